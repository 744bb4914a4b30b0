# The lines of README.md that put the module into Debian's nginx, in a root as its packages leave it.
use strict;
use warnings;
use Cwd qw(realpath);
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

# Who is given the files alone is told of the packages with the libraries that they need, but for those of nginx itself.
my ($told) = slurp("$root/docs/operations.md") =~ /^## Installing into an nginx that you run\n(.*?)^## /ms;
my $image = slurp("$root/Dockerfile") =~ s/.*^FROM//msr;
my %of_nginx = map { $_ => 1 } qw(libc6 libgcc-s1 libssl3 libpcre2-8-0 zlib1g);
my $known = `ldconfig -p`;
for my $file (-e '/etc/debian_version' && slurp('/etc/debian_version') =~ /^12\b/ ? qw(ngx_http_guard_module.so ngx_http_guard_inspect_module.so guardctl guardctl-inspect) : ()) {
    my %package;
    for my $library (map { /Shared library: \[(.*?)\]/ && $1 !~ /^ngx_/ ? $1 : () } `readelf -d $build/$file`) {
        my ($path) = $known =~ m{^\s*\Q$library\E .*=> (\S+)$}m;
        # Debian's packages know some of them by a path without /usr.
        my $real = realpath($path);
        my ($package) = map { `dpkg -S $_ 2>/dev/null` =~ /^([^:]+):/ } $real, $real =~ s{^/usr}{}r;
        $package{$package} = 1;
    }
    cmp_ok(scalar keys %package, '>', 3, "$file: libraries are found");
    delete @package{ keys %of_nginx };
    is_deeply([grep { $told !~ /`\Q$_\E`/ } sort keys %package], [], "$file: docs/operations.md names the packages of its libraries");
    is_deeply([grep { $image !~ / \Q$_\E[ \n]/ } sort keys %package], [], "$file: the image has them") if $file =~ /\.so\z/;
}
done_testing;
