# Event logs in a Redis stream: delivery, a Redis that goes and comes back, a cluster, a worker that quits.

use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Refusals;

my $json   = JSON::PP->new->utf8;
my $config = 'location / { guard_path strict; root html; }';

sub nginx_to {
    my ($url, $words) = @_;
    return start_nginx(
        http_config      => "guard_redis main $url;\nguard_event_log redis:main:events min=warning $words;",
        config           => $config,
        no_root_location => 1
    );
}

# All messages of the stream, oldest first.
sub messages {
    my ($redis) = @_;
    my @entries = @{ $redis->run('XRANGE', 'guard:events', '-', '+') };
    return map { my ($field, $text) = @{ $_->[1] }; $field eq 'event' ? $text : "not an event: $field" } @entries;
}

my $redis = start_redis();
my $name  = 'one Redis';
my $nginx = nginx_to($redis->url, '');
# Not more at once than a worker keeps, should Redis be held up.
for my $part (1 .. 3) {
    refuse($nginx, 200, "first$part");
    ok wait_for(sub { $redis->run('XLEN', 'guard:events') >= 200 * $part }, 10), "$name: all of them arrive";
}
my @got    = messages($redis);
my @events = map { eval { $json->decode($_) } // {} } @got;
is_deeply [map { $_->{url}{path} } @events], [map { expected_paths("first$_", 200) } 1 .. 3], "$name: each once, in order";
is_deeply [map { $_->{event}{sequence} } @events], [1 .. 600], "$name: numbered without a gap";
is scalar(grep { /\n/ } @got), 0, "$name: without a line feed";

# The consumer group of docs/events.md, as it is printed there.
{
    my $page = do { open my $in, '<', 'docs/events.md' or die "docs/events.md: $!\n"; local $/; <$in> };
    my ($create, $read) = $page =~ /^```\n(XGROUP [^\n]*)\n(XREADGROUP [^\n]*)\n```$/m;
    is $redis->run(split / /, $create), 'OK', 'consumers: a group';
    my ($streams) = $redis->run(split / /, $read);
    my ($key, $entries) = @{ $streams->[0] };
    is $key, 'guard:events', 'consumers: the stream';
    is_deeply [map { $_->[1][1] } @$entries], [@got[0 .. 499]], 'consumers: its first 500 messages';
}

$name = 'Redis is gone';
$redis->stop;
refuse($nginx, 700, 'gone');
ok wait_for(sub { $nginx->log_text =~ /\[error\] .*event log "redis:main:events" takes no lines, they are kept: / }, 5), "$name: it is said";
$redis->start;
my ($lost, $last, @back);
ok wait_for(
    sub {
        @back = map { eval { $json->decode($_) } // {} } messages($redis);
        my ($word) = grep { $_->{labels}{kind} eq 'events_lost' } @back;
        ($lost, $last) = ($word->{labels}{count}, $word->{event}{sequence}) if $word;
        return defined $lost;
    },
    15
), "$name: events_lost when it is back";
cmp_ok $lost // 0, '>', 100, "$name: what was too much is lost";
# The breaker has its own word to say meanwhile, which may be among the lost: the numbers tell all of them.
my %there = map { $_->{event}{sequence} => 1 } @back;
is scalar(grep { !$there{$_} } 601 .. ($last // 0)), $lost, "$name: and counted exactly";
cmp_ok $last // 0, '>', 600 + 700, "$name: each of the 700 had its number";

$name = 'quitting';
refuse($nginx, 5, 'quit');
is $nginx->stop, undef, "$name: stops";
is scalar(grep { /quit-\d%2f/ } messages($redis)), 5, "$name: what a worker had is there";
is_deeply [log_problems($nginx)], [], "$name: log";

$name = 'maxlen';
$redis->run('DEL', 'guard:events');
# Nodes of a hundred entries, so that to give up whole ones and not single entries shows.
$redis->run('CONFIG', 'SET', @$_) for ['stream-node-max-entries', 100], ['stream-node-max-bytes', 0];
$nginx = nginx_to($redis->url, 'maxlen=200');
for my $part (1 .. 5) {
    refuse($nginx, 200, "m$part");
    ok wait_for(sub { my @now = messages($redis); @now && $now[-1] =~ /m$part-200%2f/ }, 10), "$name: the last is there";
}
refuse($nginx, 50, 'more');
ok wait_for(sub { (messages($redis))[-1] =~ /more-50%2f/ }, 10), "$name: and half a node";
my $length = $redis->run('XLEN', 'guard:events');
cmp_ok $length, '>=', 200, "$name: at least as many stay";
cmp_ok $length, '<=', 400, "$name: not many more";
is $length % 100, 50, "$name: Redis gives up whole nodes, which costs it least";
is $nginx->stop, undef, "$name: stops";
is_deeply [log_problems($nginx)], [], "$name: log";

$name = 'the key holds something else';
$redis->run('DEL', 'guard:events');
$redis->run('SET', 'guard:events', 'text');
$nginx = nginx_to($redis->url, '');
refuse($nginx, 3, 'w');
ok wait_for(sub { $nginx->log_text =~ /takes no lines, they are kept: .*WRONGTYPE/ }, 5), "$name: it is said";
$redis->run('DEL', 'guard:events');
ok wait_for(sub { messages($redis) == 3 }, 5), "$name: they come when it is gone";
is $nginx->stop, undef, "$name: stops";
is_deeply [log_problems($nginx)], [], "$name: log";

done_testing;
