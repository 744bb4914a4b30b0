# Several nginx that count in one Redis: what all of them together let through is the quota, exactly, whatever
# the algorithm, however many clients there are, and whoever is asked.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;

my @algorithms = qw(gcra sliding_window sliding_log fixed_window);
my $nodes      = 4;

sub fleet {
    my ($url, $policies, $config) = @_;
    return start_fleet(
        $nodes,
        workers     => 2,
        http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main $url timeout=5s;\n$policies",
        config      => "root html;\n$config"
    );
}

# 60 of 24 clients' requests are enough for every node to find the quota used up in between.
sub exact {
    my ($name, $url) = @_;
    my $policies = join '', map { "guard_rate_policy $_ rate=60/day key=\$arg_k algorithm=$_ redis=main;\n" } @algorithms;
    my $config   = join '', map { "location /$_/ { guard_rate $_; alias html/; }\n" } @algorithms;
    # Two policies of one request, of which either may be the one that refuses, and two windows of one.
    $policies .= "guard_rate_policy small rate=30/day key=\$arg_s redis=main;\n"
        . "guard_rate_policy windows rate=40/hour,50/day key=\$arg_k redis=main;\n";
    $config .= "location /both/ { guard_rate gcra; guard_rate small; alias html/; }\n"
        . "location /windows/ { guard_rate windows; alias html/; }\n";
    my @nginx = fleet($url, $policies, $config);

    for my $algorithm (@algorithms) {
        my $result = hammer(\@nginx, "/$algorithm/?k=a", clients => 8, count => 25);
        is_deeply $result->{codes}, { 200 => 60, 429 => 140 }, "$name: $algorithm: admitted is allowed";
        # Each client its own key.
        $result = hammer(\@nginx, sub { "/$algorithm/?k=client$_[0]" }, clients => 4, count => 70);
        is_deeply $result->{codes}, { 200 => 240, 429 => 40 }, "$name: $algorithm: of each key";
    }
    my $result = hammer(\@nginx, '/windows/?k=b', clients => 8, count => 10);
    is_deeply $result->{codes}, { 200 => 40, 429 => 40 }, "$name: two windows";

    # 60 of gcra's for each of three keys, and 30 of small for all of them.
    $result = hammer(\@nginx, sub { '/both/?s=x&k=both' . $_[0] % 3 }, clients => 6, count => 15);
    is $result->{codes}{200}, 30, "$name: two policies: admitted is allowed";
    my $left = 0;
    $left += hammer(\@nginx, "/gcra/?k=both$_", clients => 4, count => 20)->{codes}{200} for 0 .. 2;
    is $left, 150, "$name: two policies: what one refused was not taken of the other";
    for my $one (@nginx) {
        is $one->stop('QUIT'), undef, "$name: stops";
        is_deeply [log_problems($one)], [], "$name: nothing bad in the log";
    }
    return;
}

{
    my $redis = start_redis();
    exact('one server', $redis->unix_url);
    my @keys = @{ $redis->run('KEYS', '*') };
    is_deeply [grep { !/^guard:(?:[a-z_]+:\{[0-9a-f]{32}\}(?:\.hour|\.day)?|probe)\z/ } @keys], [], 'only what belongs there';
    is scalar(grep { /^guard:gcra:/ } @keys), 8, 'one key a client, for all nodes';

    # Nodes that do not have the same secret, or not the same quota, share nothing.
    my ($one, $other, $third) = map {
        my ($secret, $rate) = @$_;
        start_nginx(
            http_config => "guard_key_secret $secret;\nguard_redis main " . $redis->url . ";\nguard_rate_policy p rate=$rate/day key=k redis=main;",
            config => 'location / { guard_rate p; root html; }'
        )
    } ['0123456789abcdef', 2], ['fedcba9876543210', 2], ['0123456789abcdef', 3];
    is join(' ', map { request($_->port, GET => '/')->{code} } ($one) x 3, $other, $third), '200 200 429 200 200',
        'another secret, another quota: other counts';
    $_->stop('QUIT') for $one, $other, $third;

    # The same quotas in another order are the same.
    my @both = map {
        start_nginx(
            http_config => "guard_key_secret 0123456789abcdef;\nguard_redis main " . $redis->url . ";\nguard_rate_policy w rate=$_ key=k redis=main;",
            config => 'location / { guard_rate w; root html; }'
        )
    } '2/hour,9/day', '9/day,2/hour';
    my @answers = map { request($_->port, GET => '/') } @both, @both;
    is join(' ', map { $_->{code} } @answers), '200 200 429 429', 'windows in another order: the same counts';
    like header_of($answers[1]{fields}, 'RateLimit-Policy'), qr/^"w\.day".*"w\.hour"/, 'told as they are written';
    $_->stop('QUIT') for @both;
}

# Each key where its slot is.
{
    my $cluster = start_cluster();
    exact('cluster', $cluster->url);
    my @counts = map { scalar @{ $_->run('KEYS', 'guard:*{*') } } $cluster->nodes;
    is scalar(grep { $_ > 0 } @counts), 3, 'cluster: keys on every node';
}

done_testing();
