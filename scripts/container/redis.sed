# Lets the policies of conf.d/coreconnect.conf count in the Redis that REDIS_URL names.
s/^#\(guard_redis \)/\1/
s/^#\(guard_key_secret \)/\1/
/^guard_\(rate\|lockout\|ban\)_policy /{
    :line
    /;/!{
        N
        b line
    }
    s/;/ redis=main;/
}
