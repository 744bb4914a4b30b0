package Test::Nginx::Guard::TestCommand;

# Commands to Redis that the test build's own check sends (guard_test redis=), and what becomes of them.

use strict;
use warnings;

use Exporter 'import';
use Test::More ();
use Test::Nginx::Guard qw(start_nginx request header_of);

our @EXPORT_OK = qw(needs_test_build start_asking ask said);

# Skips the file where there is no test build.
sub needs_test_build {
    return if -f ($ENV{GUARD_BUILD} // 'build') . '/ngx_http_guard_test_module.so';
    Test::More::plan(skip_all => 'needs the test build of the module');
}

# An nginx whose "guard_redis main" has the words REDIS. LOCATIONS: path => words of guard_test, as in
# '"send=INCR guard:n" times=3'. Words: before (what stands before guard_redis), after, and those of start_nginx().
sub start_asking {
    my ($redis, $locations, %word) = @_;
    my ($before, $after) = map { delete $word{$_} // '' } qw(before after);
    return start_nginx(
        http_config => "$before\nguard_redis main $redis;\n$after\nguard_event_log \$TEST_NGINX_EVENT_LOG;",
        config      => "root html;\nadd_header X-Redis \$guard_test_redis always;\n"
            . join('', map { "location $_ { guard_test front redis=main $locations->{$_}; try_files /index.html =404; }\n" } sort keys %$locations),
        %word
    );
}

# (what became of the last command of a request for TARGET, "/incr" unless given: "ok 7", "timeout "; the milliseconds
# that it took as nginx sees it)
sub ask {
    my ($nginx, $target) = @_;
    my $response = request($nginx->port, GET => $target // '/incr', timeout => 10);
    return ('nothing', 0) unless $response && $response->{code} == 200;
    my ($what, $time) = (header_of($response->{fields}, 'X-Redis') // '') =~ /^(.*) (\d+)\z/;
    return ($what // 'none', $time // 0);
}

# The first of the two.
sub said { return (ask(@_))[0] }

1;
