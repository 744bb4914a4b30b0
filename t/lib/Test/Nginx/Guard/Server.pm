package Test::Nginx::Guard::Server;

# One nginx under test: its root directory, its configuration, its start, reload, upgrade and stop.
# All of these return when it is done, and say whether it was.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Test::Nginx::Guard::Pace qw(at_our_pace);
use Test::Nginx::Guard::Port qw(free_port);
use Test::Nginx::Guard::Process qw(is_alive children_of title_of takes_connections end_process die_with_parent);
use Test::Nginx::Guard::Wait qw(wait_for);

my $lib = abs_path(__FILE__) =~ s{/lib/Test/Nginx/Guard/Server\.pm\z}{}r;

sub binary { return $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx' }

# The module files to load: TEST_NGINX_LOAD_MODULES if it is set, even to nothing, else the built one,
# the build with the test-only checks first; with the second file where a configuration has its directives.
sub modules {
    my ($configuration) = @_;
    return grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} if defined $ENV{TEST_NGINX_LOAD_MODULES};
    my $build = $ENV{GUARD_BUILD} // "$lib/../build";
    my ($first) = grep { -f } map { "$build/$_.so" } qw(ngx_http_guard_test_module ngx_http_guard_module);
    return if !$first;
    my @second = $configuration =~ /\bguard_(?:inspect|upload)/ ? "$build/ngx_http_guard_inspect_module.so" : ();
    return map { abs_path($_) } $first, @second;
}

# Where compiled patterns are kept for all builds: what has made them is in their names.
sub patterns {
    my $build = abs_path("$lib/..") . '/build';
    make_path($build);
    return "$build/patterns";
}

my %running;
my $owner = $$;

# Words: root (a fresh temporary directory unless given), port, workers (1), master (1),
# log_level (info), connections (256), env (names to hand on), daemon (0; needed for usr2(): a master
# whose parent is still the one that started it takes that for the old master and refuses).
sub new {
    my ($class, %word) = @_;
    my $self = bless {
        workers     => 1,
        master      => 1,
        log_level   => 'info',
        connections => 256,
        env         => [],
        name        => 'localhost',
        %word
    }, $class;
    $self->{port} //= free_port();
    $self->{root} //= tempdir('guard-test-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{TEST_NGINX_NO_CLEAN});
    $self->reset_root;
    return $self;
}

sub port      { return $_[0]{port} }
sub root      { return $_[0]{root} }
sub html      { return "$_[0]{root}/html" }
sub conf_file { return "$_[0]{root}/conf/nginx.conf" }
sub log_file  { return "$_[0]{root}/logs/" . ($_[1] // 'error.log') }
sub pid       { return $_[0]{pid} }

# An empty root; it is kept where it is, since its path may stand in sections that are already read.
sub reset_root {
    my ($self) = @_;
    remove_tree($self->{root}, { keep_root => 1 });
    make_path(map { "$self->{root}/$_" } qw(conf html logs));
    $self->write_file('html/index.html',
        '<html><head><title>It works!</title></head><body>It works!</body></html>');
    return;
}

sub write_file {
    my ($self, $path, $content) = @_;
    $path = "$self->{root}/$path" unless $path =~ m{^/};
    my ($directory) = $path =~ m{(.*)/};
    make_path($directory) unless -d $directory;
    utf8::encode($content) if utf8::is_utf8($content);
    open my $out, '>:raw', $path or die "$path: $!\n";
    print $out $content;
    close $out or die "$path: $!\n";
    return $path;
}

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or return '';
    local $/;
    return <$in> // '';
}

sub log_text { my ($self, $name) = @_; return slurp($self->log_file($name)) }

# Writes nginx.conf. Words: main_config, http_config, config (of the server), post_main_config,
# listen (further listen lines), listen_words, server_name, no_root_location, as_written (also under
# valgrind and sanitizers: see Pace).
sub configure {
    my ($self, %section) = @_;
    $section{http_config} = at_our_pace($section{http_config}) unless $section{as_written};
    my $root = $self->{root};
    my @lines;
    my @map;
    my $add = sub { push @lines, map { split /\n/, $_, -1 } @_ };
    my $add_section = sub {
        my ($name) = @_;
        my $text = $section{$name} // return;
        $text =~ s/\n\z//;
        my @text = split /\n/, $text, -1;
        push @map, [$name, scalar(@lines), scalar(@text)];
        push @lines, @text;
    };
    $add->("load_module $_;") for modules(join "\n", map { $_ // '' } @section{qw(main_config http_config config post_main_config)});
    $add->('user root;') if $> == 0 && ($section{main_config} // '') !~ /^\s*user\s/m;
    $add->("worker_processes $self->{workers};")
        if ($section{main_config} // '') !~ /^\s*worker_processes\s/m;
    $add->('daemon ' . ($self->{daemon} ? 'on' : 'off') . ';');
    $add->('master_process ' . ($self->{master} ? 'on' : 'off') . ';');
    $add->("error_log $root/logs/error.log $self->{log_level};");
    $add->("pid $root/logs/nginx.pid;");
    my @sanitizer = grep { defined $ENV{$_} } qw(ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS);
    $add->(map { "env $_;" } @{ $self->{env} }, @sanitizer);
    $add_section->('main_config');
    $add->("events { worker_connections $self->{connections}; }")
        if ($section{main_config} // '') !~ /^\s*events\b/m;
    $add->('http {', 'default_type text/plain;', 'keepalive_timeout 68s;');
    my $http = $section{http_config} // '';
    $add->("access_log $root/logs/access.log;");
    # Rules that other tests have compiled, with a sanitizer or without, are not compiled again.
    my $inspects = grep { /inspect_module/ } modules(join "\n", map { $_ // '' } @section{qw(http_config config)});
    $add->('guard_inspect_cache ' . patterns() . ';')
        if $inspects && $http !~ /\bguard_inspect_cache\b/;
    for my $path (qw(client_body proxy fastcgi uwsgi scgi)) {
        $add->("${path}_temp_path $root/${path}_temp;") if $http !~ /^\s*${path}_temp_path\b/m;
    }
    $add_section->('http_config');
    $add->('server {', "listen $self->{port}" . ($section{listen_words} // '') . ';');
    $add->(@{ $section{listen} // [] });
    (my $name = $section{server_name} // $self->{name}) =~ s/(['\\])/\\$1/g;
    $add->("server_name '$name';", 'client_max_body_size 30m;');
    $add_section->('config');
    $add->("location / { root $root/html; index index.html index.htm; }") unless $section{no_root_location};
    $add->('}', '}');
    $add_section->('post_main_config');
    $self->{map} = \@map;
    # How many workers to wait for; a block that says worker_processes itself may not say a number.
    $self->{wanted} =
          ($section{main_config} // '') =~ /^\s*worker_processes\s+(\d+)/m ? $1
        : $self->{workers} =~ /^\d+\z/ && $self->{master} ? $self->{workers}
        :                                                     1;
    $self->write_file('conf/nginx.conf', join("\n", @lines) . "\n");
    return;
}

# "in /path/nginx.conf:47" as "in config:3", the line within the section that the line came from.
sub in_sections {
    my ($self, $text) = @_;
    my $file = quotemeta $self->conf_file;
    $text =~ s{$file:(\d+)}{$self->section_line($1)}ge;
    $text =~ s{\Q$self->{root}\E/(?:html|conf)/}{}g;
    return $text;
}

sub section_line {
    my ($self, $line) = @_;
    for my $entry (@{ $self->{map} }) {
        my ($name, $before, $count) = @$entry;
        return "$name:" . ($line - $before) if $line > $before && $line <= $before + $count;
    }
    return "nginx.conf:$line";
}

sub command {
    my ($self, @words) = @_;
    my $root = $self->{root};
    return (binary(), '-p', "$root/", '-c', $self->conf_file, '-e', "$root/logs/error.log", @words);
}

sub wrapped {
    my ($self, @words) = @_;
    my @command = $self->command(@words);
    return @command unless $ENV{TEST_NGINX_USE_VALGRIND};
    my @options = $ENV{TEST_NGINX_USE_VALGRIND} eq '1'
        ? qw(--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite)
        : split ' ', $ENV{TEST_NGINX_USE_VALGRIND};
    push @options, "--suppressions=$lib/valgrind.supp" if -f "$lib/valgrind.supp";
    # nginx -t ends without freeing the configuration that it has read.
    push @options, '--leak-check=no' if grep { $_ eq '-t' } @words;
    return ('valgrind', '--quiet', @options, "--log-file=$self->{root}/logs/valgrind.%p", @command);
}

sub in_child {
    my ($self, $output, @command) = @_;
    my $parent = $$;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE __DIE__);
    die_with_parent($parent);
    open STDIN,  '<',  '/dev/null';
    open STDOUT, '>>', $output;
    open STDERR, '>&', \*STDOUT;
    if (defined $ENV{ASAN_OPTIONS}) {
        my %more = (
            ASAN_OPTIONS  => "log_path=$self->{root}/logs/sanitizer",
            UBSAN_OPTIONS => "log_path=$self->{root}/logs/sanitizer:print_stacktrace=1"
        );
        $ENV{$_} = join ':', grep { length } $ENV{$_} // '', $more{$_} for keys %more;
    }
    exec { $command[0] } @command or print STDERR "$command[0]: $!\n";
    POSIX::_exit(127);
}

# Runs `nginx -t`: (wait status, what it printed).
sub test_config {
    my ($self) = @_;
    my $output = $self->log_file('test.log');
    # It must not write into the log of a running nginx.
    my @command = map { s{/logs/error\.log\z}{/logs/test-error.log}r } $self->wrapped('-t');
    local $ENV{ASAN_OPTIONS} = join ':', $ENV{ASAN_OPTIONS} // (), 'detect_leaks=0';
    my $pid = $self->in_child($output, @command);
    waitpid $pid, 0;
    my $status = $?;
    my $text   = slurp($output);
    unlink $output;
    my $reports = $self->tool_reports;
    return ($status, $text) unless length $reports;
    return ($status || 1 << 8, "$text$reports");
}

sub is_listening {
    my ($self, $port) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1',
        PeerPort => $port // $self->{port},
        Proto    => 'tcp'
    ) or return 0;
    close $socket;
    return 1;
}

# Starts nginx and returns once it accepts connections, with undef; else with what went wrong.
# The wait status is in ->{status} if it ended by itself.
sub start {
    my ($self) = @_;
    delete $self->{status};
    my $pid = $self->in_child($self->log_file('stderr.log'), $self->wrapped);
    @$self{qw(pid reaped)} = ($pid, 0);
    $running{$self} = $self;
    my $pid_file = $self->log_file('nginx.pid');
    my $ready = wait_for(
        sub {
            if (waitpid($pid, WNOHANG) == $pid) {
                $self->{status} = $?;
                return 'ended' unless $self->{daemon} && $? == 0;
            }
            if ($self->{daemon}) {
                ($self->{pid}) = slurp($pid_file) =~ /^(\d+)\n/ or return;
            }
            return slurp($pid_file) =~ /^\d+\n/ && $self->worker_pids >= $self->{wanted} && 'ready';
        },
        30
    ) // 'late';
    return if $ready eq 'ready';
    if ($ready eq 'late') {
        end_process($pid, 1, 'TERM');
        $self->{status} = $?;
    }
    delete $running{$self};
    delete $self->{pid};
    my $said = $self->log_text('stderr.log');
    return $ready eq 'late' ? "nginx is not ready after 30 s: $said" : "nginx ended: $said";
}

# The workers that take new connections.
sub worker_pids {
    my ($self) = @_;
    return ($self->{pid}) unless $self->{master};
    my @children = children_of($self->{pid});
    # Under valgrind the title is valgrind's.
    return grep { takes_connections($_) } @children if $ENV{TEST_NGINX_USE_VALGRIND};
    return grep { my $title = title_of($_); $title =~ /worker process/ && $title !~ /shutting down/ } @children;
}

# Reloads. Returns undef once all workers are new and the old ones take no more connections, else
# what went wrong.
sub hup {
    my ($self, %word) = @_;
    my %old = map { $_ => 1 } $self->worker_pids;
    my $at = length $self->log_text;
    kill 'HUP', $self->{pid};
    my $outcome = wait_for(
        sub {
            my @now = $self->worker_pids;
            return 'done' if @now >= $self->{wanted} && !grep { $old{$_} } @now;
            return "nginx refused to reload: $1" if substr($self->log_text, $at) =~ /(.*\[emerg\].*)/;
            return 'nginx is gone' unless is_alive($self->{pid});
            return;
        },
        $word{timeout} // 10
    ) // 'no new worker after the reload';
    return $outcome eq 'done' ? undef : $outcome;
}

# Upgrades the binary (or the module): a new master takes over and the old one quits. With the word winch its
# workers go first, as one does who may want to go back.
sub usr2 {
    my ($self, %word) = @_;
    my $old      = $self->{pid};
    my $pid_file = $self->log_file('nginx.pid');
    kill 'USR2', $old;
    my $new = wait_for(
        sub {
            my ($pid) = slurp($pid_file) =~ /^(\d+)\n/ or return;
            return if $pid == $old || !is_alive($pid);
            local $self->{pid} = $pid;
            return $self->worker_pids ? $pid : undef;
        }
    ) or return 'no new master after USR2';
    if ($word{winch}) {
        kill 'WINCH', $old;
        my $gone = sub { !grep { title_of($_) =~ /worker process/ } children_of($old) };
        wait_for($gone) or return 'the old workers do not go';
    }
    kill 'QUIT', $old;
    wait_for(sub { !is_alive($old) }) or return 'the old master does not quit';
    $self->{pid} = $new;
    return;
}

# Reopens the logs; the files must have been moved away by the caller.
sub usr1 {
    my ($self) = @_;
    kill 'USR1', $self->{pid};
    return wait_for(sub { -e $self->log_file }) ? undef : 'error.log is not reopened';
}

# Quits gracefully (or by SIGNAL) and waits. Returns undef, or what went wrong.
sub stop {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} // return;
    delete $running{$self};
    my $status;
    my $gone = sub {
        my $reaped = waitpid $pid, WNOHANG;
        return if $reaped == 0;
        $status = $? if $reaped == $pid;
        # What is not our child, or was reaped before, has no status for us.
        return $reaped == $pid || !is_alive($pid);
    };
    $signal //= 'QUIT';
    kill $signal, $pid;
    if (!wait_for($gone, 10)) {
        my @stuck = children_of($pid);
        kill 'TERM', $pid;
        if (!wait_for($gone, 3)) {
            kill 'KILL', $pid, @stuck;
            wait_for($gone, 3);
        }
        return "nginx did not stop on $signal";
    }
    return "nginx ended with status " . ($status >> 8) . ($status & 127 ? ", signal " . ($status & 127) : '')
        if $status;
    return;
}

# The report of LeakSanitizer without what nginx itself leaves behind: the first pool of main(), when the
# configuration is not accepted. A suppression could not name it, since it knows single functions only.
sub own_leaks {
    my ($text) = @_;
    return $text if $text !~ /LeakSanitizer: detected memory leaks/;
    my @leaks = $text =~ /^((?:Direct|Indirect) leak of .*\n(?:\s+#\d.*\n)+)/mg;
    my @own = grep { !/ in ngx_create_pool .*\n\s+#\d+ \S+ in main / } @leaks;
    return @own || !@leaks ? $text : '';
}

# What sanitizers and valgrind wrote.
sub tool_reports {
    my ($self) = @_;
    my $text = '';
    for my $file (glob "$self->{root}/logs/sanitizer.*") {
        $text .= own_leaks(slurp($file));
    }
    $text .= slurp($_) for glob "$self->{root}/logs/valgrind.*";
    my $said = $self->log_text('stderr.log');
    $text .= $said if $said =~ /(?:Address|Leak|UndefinedBehavior)Sanitizer|runtime error:/;
    return $text;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $@, $!);
    $self->stop('TERM') if $self->{pid} && $$ == $owner;
    return;
}

END {
    if ($$ == $owner) {
        local $?;
        $_->stop('TERM') for values %running;
    }
}

1;
