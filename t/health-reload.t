# guard_health_check over time: what comes and goes makes a verdict only as rise= and fall= say; and over reloads another interval
# holds at once, and a first look that a reload has cut off is had again.

use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Test::Nginx::Guard;

my $folder = tempdir(CLEANUP => 1);
my $answers = "$folder/answers";
# Says how it is, once it is told to say anything.
my $application = start_upstream(sub {
    open my $in, '<', $answers or do { sleep 600; return };
    my $status = <$in>;
    return "HTTP/1.1 $status Status\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
});
sub answers { my ($status) = @_; open my $out, '>', "$folder/new" or die $!; print {$out} $status; close $out; rename "$folder/new", $answers or die $!; return }

my %config  = (workers => 2, config => 'location / { guard_health; }');
my $nginx   = start_nginx(%config, http_config => checks('interval=1h timeout=1m'));
sub checks { my ($words) = @_; return 'guard_health_check app http://127.0.0.1:' . $application->port . "/ $words fall=1;" }
sub reload { my ($words) = @_; $nginx->configure(%config, http_config => checks($words), no_root_location => 1); return $nginx->hup }
my $check;
sub becomes {
    my ($status, $output, $name) = @_;
    ok wait_for(sub {
        $check = JSON::PP->new->decode(request($nginx->port, GET => '/')->{body})->{checks}{'app:responseTime'}[0];
        return $check->{status} eq $status && ($check->{output} // '') eq $output;
    }), $name or diag explain $check;
    return;
}

# Each look gets the next of these answers, and then the last one for ever.
{
    my %answers = (rises => [500, 200, 500, 200, 200], falls => [200, 500, 200, 500, 500]);
    my $flapping = start_upstream(sub {
        my ($request) = @_;
        my ($name) = $request->{target} =~ m{/(\w+)};
        open my $out, '>>', "$folder/$name" or die $!;
        syswrite $out, 'x';
        my $status = $answers{$name}[(-s $out) - 1] // $answers{$name}[-1];
        return "HTTP/1.1 $status Status\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    });
    my $flaps = start_nginx(
        http_config => "guard_event_log \$TEST_NGINX_EVENT_LOG;\n" . join('', map { "guard_health_check $_ http://127.0.0.1:" . $flapping->port . "/$_ interval=2s timeout=2s rise=2 fall=2;\n" } sort keys %answers),
        config      => 'location / { guard_health; }',
    );
    my $is = sub { my ($name, $status) = @_; return JSON::PP->new->decode(request($flaps->port, GET => '/')->{body})->{checks}{"$name:responseTime"}[0]{status} eq $status };
    ok wait_for(sub { $is->('rises', 'pass') && $is->('falls', 'fail') }, 30), 'two of a kind in a row turn a verdict';
    cmp_ok -s "$folder/$_", '>=', @{ $answers{$_} }, "none before: $_" for sort keys %answers;
    is $flaps->stop, undef, 'stops';
    my ($events) = read_events($flaps->log_file('events.log'));
    my %told;
    push @{ $told{ $_->{rule}{name} } }, $_->{event}{reason} =~ /verdict is (\w+) now/ for grep { $_->{labels}{kind} eq 'health_changed' } @$events;
    is_deeply \%told, { rises => ['fail', 'pass'], falls => ['fail'] }, 'and are told once';
}

ok wait_for(sub { @{ $application->requests } == 1 }), 'a look is under way';
answers(200);
is $nginx->hup, undef, 'a reload cuts it off';
becomes('pass', '', 'it is had again, not an hour later');
my $seen = @{ $application->requests };

answers(500);
is reload('interval=1h timeout=59s'), undef, 'a reload with the same interval';
is reload('interval=1s'), undef, 'and with a shorter one';
becomes('fail', 'the status is 500', 'which holds at once');
answers(200);
becomes('pass', '', 'and from then on');
is $seen, 2, 'until then nobody had looked more often than that';

is $nginx->stop, undef, 'stops';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
