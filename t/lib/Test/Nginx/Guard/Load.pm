package Test::Nginx::Guard::Load;

# Clients that make requests side by side while a test does something else.

use strict;
use warnings;

use Exporter 'import';
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);
use Test::Nginx::Guard::Process qw(spawn end_process);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(most_within);

# Words: request (code that is called with the number of the client and of its request, and returns the
# response or its code), clients (4), count (requests of each; without it they go on until finish()),
# pause (seconds between two requests of one: 0).
sub new {
    my ($class, %word) = @_;
    my $self = bless { clients => 4, pause => 0, %word }, $class;
    # From the beginning, since finish() may come before a client has begun.
    local $SIG{USR1} = sub { $self->{stopped} = 1 };
    for my $client (0 .. $self->{clients} - 1) {
        socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
        my $pid = spawn(sub { close $here; $self->work($client, $there) });
        close $there;
        push @{ $self->{workers} }, [$pid, $here];
    }
    return $self;
}

sub work {
    my ($self, $client, $socket) = @_;
    my $text = '';
    for (my $i = 0; !$self->{stopped} && (!defined $self->{count} || $i < $self->{count}); ++$i) {
        my $begin    = time;
        my $response = $self->{request}->($client, $i);
        my $code     = ref $response ? $response->{code} : $response // 'none';
        $text .= sprintf "%.6f %.6f %s\n", $begin, time - $begin, $code;
        select undef, undef, undef, $self->{pause} if $self->{pause};
    }
    print {$socket} $text;
    close $socket;
    return;
}

# Ends it (after COUNT requests, if one was given) and returns {codes => {code => how often}, total, slowest
# (seconds), requests => [{at, seconds, code}] by time}.
sub finish {
    my ($self) = @_;
    my %result = (codes => {}, total => 0, slowest => 0, requests => []);
    for my $worker (@{ $self->{workers} }) {
        my ($pid, $socket) = @$worker;
        kill 'USR1', $pid unless defined $self->{count};
        while (my $line = <$socket>) {
            my ($at, $seconds, $code) = split ' ', $line;
            ++$result{codes}{$code};
            ++$result{total};
            $result{slowest} = $seconds if $seconds > $result{slowest};
            push @{ $result{requests} }, { at => $at, seconds => $seconds, code => $code };
        }
        end_process($pid, 5, 'TERM');
    }
    $result{requests} = [sort { $a->{at} <=> $b->{at} } @{ $result{requests} }];
    return \%result;
}

# The most requests of a result of finish() that were begun within SECONDS.
sub most_within {
    my ($seconds, $result) = @_;
    my @at = map { $_->{at} } @{ $result->{requests} };
    my ($first, $most) = (0, 0);
    for my $last (0 .. $#at) {
        ++$first while $at[$last] - $at[$first] > $seconds;
        $most = $last - $first + 1 if $last - $first + 1 > $most;
    }
    return $most;
}

1;
