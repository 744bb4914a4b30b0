package Test::Nginx::Guard::Redis;

# A real redis-server (or Sentinel) under test: on a port and a Unix socket, in a directory of its own.
# All that starts, stops or waits returns when it is done, and dies if it cannot be done.

use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX qw(WNOHANG);
use Test::Nginx::Guard::Authority qw(authority);
use Test::Nginx::Guard::Port qw(free_port);
use Test::Nginx::Guard::Process qw(is_alive state_of end_process spawn_program);
use Test::Nginx::Guard::Resp;
use Test::Nginx::Guard::Wait qw(wait_for);

my $owner = $$;
my %running;

# Words:
#   port, socket        free ones unless given
#   password            of the default user
#   acl                 lines of users: ['user app on >secret ~guard:* +@all']
#   tls                 1: the port speaks TLS only, with the certificate of authority(); 'mutual': it also
#                       demands one of the client
#   maxmemory           '1mb'; nothing is evicted, writes are refused
#   replica_of          another of these; returns when it has caught up
#   config              more lines of redis.conf
#   env                 "REDIS": $TEST_NGINX_REDIS_URL, _PORT, _SOCKET, _UNIX and _PASSWORD_FILE name it in the
#                       blocks of a .t
sub new {
    my ($class, %word) = @_;
    my $self = bless {%word}, $class;
    $self->{port} //= free_port();
    $self->{directory} = tempdir('guard-redis-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    $self->{socket} //= "$self->{directory}/redis.sock";
    $self->write_config;
    $self->set_environment($word{env}) if defined $word{env};
    $self->start;
    $self->wait_for_sync if $self->{replica_of};
    return $self;
}

sub port     { return $_[0]{port} }
sub socket   { return $_[0]{socket} }
sub password { return $_[0]{password} }
sub pid      { return $_[0]{pid} }
sub address  { return "127.0.0.1:$_[0]{port}" }
sub log_text { return slurp("$_[0]{directory}/redis.log") }

sub url      { my ($self) = @_; return ($self->{tls} ? 'rediss://' : 'redis://') . $self->address }
sub unix_url { return "unix:$_[0]{socket}" }

# The password in a file, for password=file:...
sub password_file {
    my ($self) = @_;
    return $self->write_file('password', $self->{password} // '');
}

sub set_environment {
    my ($self, $name) = @_;
    @ENV{ map { "TEST_NGINX_${name}_$_" } qw(URL PORT SOCKET UNIX PASSWORD_FILE) } =
        ($self->url, $self->port, $self->socket, $self->unix_url, $self->password_file);
    return;
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or return '';
    local $/;
    return <$in> // '';
}

sub write_file {
    my ($self, $name, $text) = @_;
    my $path = "$self->{directory}/$name";
    open my $out, '>:raw', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
    return $path;
}

sub write_config {
    my ($self) = @_;
    my $directory = $self->{directory};
    my @lines = (
        'bind 127.0.0.1', 'protected-mode no', 'daemonize no', "unixsocket $self->{socket}", "dir $directory",
        "logfile $directory/redis.log", ($self->{tls} ? 'tls-port' : 'port') . " $self->{port}"
    );
    if ($self->{tls}) {
        my $files = authority();
        push @lines, 'port 0', "tls-ca-cert-file $files->{ca}", "tls-cert-file $files->{cert}",
            "tls-key-file $files->{key}", 'tls-replication yes',
            'tls-auth-clients ' . ($self->{tls} eq 'mutual' ? 'yes' : 'no');
    }
    if ($self->{sentinel}) {
        push @lines, "requirepass $self->{password}" if defined $self->{password};
    }
    else {
        # The tests' own user, whatever the others may do.
        push @lines, 'save ""', 'appendonly no', 'repl-diskless-sync yes', 'repl-diskless-sync-delay 0',
            'repl-ping-replica-period 1', 'user harness on nopass ~* &* +@all', @{ $self->{acl} // [] };
        push @lines, "requirepass $self->{password}", "masterauth $self->{password}" if defined $self->{password};
        push @lines, "maxmemory $self->{maxmemory}", 'maxmemory-policy noeviction' if defined $self->{maxmemory};
        push @lines, 'replicaof 127.0.0.1 ' . $self->{replica_of}->port if $self->{replica_of};
    }
    $self->write_file('redis.conf', join "\n", @lines, @{ $self->{config} // [] }, '');
    return;
}

# Starts it, with what it wrote down itself (CONFIG REWRITE, the cluster's nodes) and no data: nothing is
# ever saved.
sub start {
    my ($self) = @_;
    die "redis-server on port $self->{port} runs already\n" if $self->{pid};
    # What a replica has received is kept there.
    unlink "$self->{directory}/dump.rdb";
    my @words = ("$self->{directory}/redis.conf", $self->{sentinel} ? '--sentinel' : ());
    my $pid = spawn_program("$self->{directory}/output", $ENV{TEST_REDIS_BINARY} || 'redis-server', @words);
    $self->{pid} = $pid;
    $running{$self} = $self;
    my $ready = wait_for(
        sub {
            return 'ended' unless is_alive($pid);
            return eval { $self->run('PING') eq 'PONG' } && 'ready';
        }
    ) // 'late';
    if ($ready ne 'ready') {
        $self->kill if $ready eq 'late';
        delete $self->{pid};
        delete $running{$self};
        die "redis-server is $ready: " . slurp("$self->{directory}/output") . $self->log_text . "\n";
    }
    return;
}

# The connection of the tests themselves, by the Unix socket.
sub connection {
    my ($self) = @_;
    delete $self->{connection} if $self->{connection} && $self->{connected_by} != $$;
    if (!$self->{connection}) {
        my @user = $self->{sentinel}
            ? (password => $self->{password})
            : (user => 'harness', password => 'any');
        $self->{connection}   = Test::Nginx::Guard::Resp->new(socket => $self->{socket}, @user);
        $self->{connected_by} = $$;
    }
    return $self->{connection};
}

# The reply to a command; dies with the text of an error. Null is undef, an array a list reference.
sub run {
    my ($self, @words) = @_;
    my $used  = $self->{connection};
    my $reply = eval { $self->connection->run(@words) };
    if ($@ =~ /^redis/) {
        delete $self->{connection};
        # Sentinel closes the connections of a server that it makes a replica.
        $reply = eval { $self->connection->run(@words) } if $used && $self->{pid} && $@ !~ /does not answer/;
    }
    die $@ if $@;
    return $reply;
}

# INFO as {field => value}.
sub info {
    my ($self, @sections) = @_;
    return { map { /^([^#:]+):(.*)$/ ? ($1 => $2) : () } split /\r\n/, $self->run('INFO', @sections) };
}

# How often COMMAND was called since the start, or since CONFIG RESETSTAT.
sub calls {
    my ($self, $command) = @_;
    my ($calls) = ($self->info('commandstats')->{ 'cmdstat_' . lc $command } // '') =~ /calls=(\d+)/;
    return $calls // 0;
}

# Who is connected, besides the tests themselves: [{name, db, user, cmd, ...}].
sub clients {
    my ($self) = @_;
    my @all = map { +{ map { split /=/, $_, 2 } split / / } } split /\n/, $self->run('CLIENT', 'LIST');
    return [grep { $_->{user} ne 'harness' && $_->{flags} !~ /[SM]/ } @all];
}

sub is_master { return $_[0]->run('ROLE')->[0] eq 'master' }

# A replica that has its master's data.
sub wait_for_sync {
    my ($self) = @_;
    wait_for(sub { ($self->info('replication')->{master_link_status} // '') eq 'up' })
        or die "the replica on port $self->{port} does not get in sync: " . $self->log_text . "\n";
    return;
}

# Stops answering, but keeps its connections (SIGSTOP); resume() goes on.
sub suspend {
    my ($self) = @_;
    kill 'STOP', $self->{pid};
    wait_for(sub { (state_of($self->{pid}) // '') eq 'T' }) or die "redis-server does not stop\n";
    return;
}

sub resume {
    my ($self) = @_;
    kill 'CONT', $self->{pid};
    wait_for(sub { eval { $self->run('PING') } }) or die "redis-server does not go on\n";
    return;
}

# Ends it, by SIGTERM; kill() by SIGKILL. start() brings it back, empty, on the same port and socket.
sub stop { my ($self) = @_; return $self->end('TERM') }
sub kill { my ($self) = @_; return $self->end('KILL') }    ## no critic

sub end {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} // return;
    delete $running{$self};
    delete $self->{connection};
    end_process($pid, 5, $signal);
    # A zombie's other threads may still hold the port.
    wait_for(sub { waitpid($pid, WNOHANG) != 0 });
    return;
}

sub restart { my ($self) = @_; $self->kill; $self->start; return }

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->kill if $$ == $owner;
    return;
}

END {
    if ($$ == $owner) {
        local $?;
        $_->kill for values %running;
    }
}

1;
