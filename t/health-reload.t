# guard_health_check over reloads: another interval holds at once, and a first look that a reload has cut off is had again.

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
