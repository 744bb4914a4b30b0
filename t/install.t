# The lines of README.md that put the module into Debian's nginx, in a root as its packages leave it.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Spec;
use File::Temp qw(tempdir);
use IPC::Run qw(run timeout);
use Test::More;

plan skip_all => 'the lines are for the system\'s own nginx'
    if $ENV{TEST_NGINX_BINARY} || $ENV{TEST_NGINX_USE_VALGRIND} || $ENV{GUARD_TEST_ASAN};

my $root  = File::Spec->rel2abs(dirname(__FILE__) . '/..');
my $build = File::Spec->rel2abs($ENV{GUARD_BUILD} // "$root/build");
my $to    = tempdir(CLEANUP => 1);

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

# As nginx-common has it: the symbolic link leads nowhere as long as no package brings a module.
make_path(map { "$to/$_" } qw(etc/nginx/modules-enabled etc/nginx/conf.d usr/share/nginx usr/lib var/log/nginx));
symlink '../../lib/nginx/modules', "$to/usr/share/nginx/modules" or die $!;

my ($lines) = slurp("$root/README.md") =~ /^Debian's nginx .*?^```sh\n(.*?)^sudo nginx -t .*?^```$/ms;
ok($lines, 'README.md has them') or BAIL_OUT('no lines');
$lines =~ s/\bsudo //g;
$lines =~ s{\bbuild/}{$build/}g;
$lines =~ s{/(etc/nginx|usr/lib|usr/local/bin)\b}{$to/$1}g;
my $said = '';
ok(run(['sh', '-ec', $lines], init => sub { chdir $root }, '>&', \$said, timeout(120)), 'they work') or diag($said);
chmod 0644, $_ for glob "$to/etc/nginx/guard/*";
for my $file (glob "$to/etc/nginx/guard/*.conf") {
    my $text = slurp($file) =~ s{/(var/log|etc)/nginx}{$to/$1/nginx}gr;
    open my $out, '>', $file or die $!;
    print {$out} $text;
    close $out;
}

open my $conf, '>', "$to/etc/nginx/nginx.conf" or die $!;
print {$conf} <<"END";
include $to/etc/nginx/modules-enabled/*.conf;
pid $to/nginx.pid;
events { }
http {
    access_log off;
    client_body_temp_path $to/body; proxy_temp_path $to/proxy; fastcgi_temp_path $to/fastcgi;
    uwsgi_temp_path $to/uwsgi; scgi_temp_path $to/scgi;
    include $to/etc/nginx/conf.d/*.conf;
    server { listen unix:$to/socket; }
}
END
close $conf;
$said = '';
# Names in load_module are looked up below the prefix.
my @nginx = ('/usr/sbin/nginx', '-e', 'stderr', '-p', "$to/usr/share/nginx", '-c', "$to/etc/nginx/nginx.conf");
ok(run([@nginx, '-T'], '>&', \$said, timeout(120)), 'and nginx -t is content') or diag($said);
like($said, qr/^guard_headers\s+web;$/m, 'with the policy');
$said = '';
ok(run(["$to/usr/local/bin/guardctl", 'inspect', '--vocabulary'], '>&', \$said, timeout(120)), 'guardctl finds guardctl-inspect beside it') or diag($said);
done_testing;
