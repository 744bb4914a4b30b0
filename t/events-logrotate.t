# The logrotate snippet of docs/operations.md as it is printed there, but for the folder: two rotations under way, no line lost.

use strict;
use warnings;
use lib 't/lib';
use Test::More;
use Test::Nginx::Guard;
use Test::Nginx::Guard::Refusals;

plan skip_all => 'needs logrotate' if !-x '/usr/sbin/logrotate';
plan skip_all => 'needs root, whose file is given to the workers\' user' if $> != 0;

my $page = do { open my $in, '<', 'docs/operations.md' or die "docs/operations.md: $!\n"; local $/; <$in> };
my ($snippet) = $page =~ m{^```\n(/var/log/nginx/\*\.json \{.*?^\}\n)```$}ms;
ok defined $snippet, 'the page has a snippet' or BAIL_OUT('none');

my $nginx  = make_nginx(workers => 2);
my $folder = $nginx->root . '/log';
my $log    = "$folder/guard-events.json";
mkdir $folder, 0755 or die "$folder: $!\n";
chmod 0755, $nginx->root;
$nginx->configure(main_config => 'user www-data;', http_config => "guard_event_log $log;", config => 'location / { guard_path strict; root html; }', no_root_location => 1);
$snippet =~ s{/var/log/nginx}{$folder}g;
$nginx->write_file('logrotate.conf', $snippet);

# Debian's own: "rotate" is USR1 for nginx's master.
my $bin = $nginx->root . '/bin';
mkdir $bin or die "$bin: $!\n";
$nginx->write_file('bin/invoke-rc.d', "#!/bin/sh\n[ \"\$*\" = 'nginx rotate' ] && kill -USR1 \$(cat " . $nginx->root . "/logs/nginx.pid)\n");
chmod 0755, "$bin/invoke-rc.d";

sub rotate {
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    my $said = qx(/usr/sbin/logrotate --force --state $folder/../logrotate.state $folder/../logrotate.conf 2>&1);
    is "$? $said", '0 ', 'logrotate takes it' or diag $said;
    return;
}
sub text_of { my ($name) = @_; return qx(zcat --force $name) }

is $nginx->start, undef, 'starts';
refuse($nginx, 300, 'first');
rotate();
refuse($nginx, 300, 'second');
ok wait_for(sub { text_of($log) =~ /second-/ }, 5), 'workers go on in the new file';
is join(' ', (stat $log)[2] & 07777, getpwuid((stat _)[4]) // '', getgrgid((stat _)[5]) // ''), 0640 . ' www-data adm', 'which is as the snippet says';
rotate();
refuse($nginx, 300, 'third');
ok wait_for(sub { text_of($log) =~ /third-/ }, 5), 'and in the next one';
is $nginx->stop, undef, 'stops';
ok -e "$log.1" && -e "$log.2.gz", 'the last one is not compressed yet, the one before it is';
my @paths = paths_of('rotated', map { text_of($_) } "$log.2.gz", "$log.1", $log);
is join("\n", sort @paths), join("\n", sort map { expected_paths($_, 300) } qw(first second third)), 'no line is lost';
is_deeply [log_problems($nginx)], [], 'log';
done_testing;
