package Test::Nginx::Guard::Login;

# An application to guess passwords at.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use Test::Nginx::Guard qw(start_upstream);

our @EXPORT_OK = qw(start_login);

# Whoever has the password "right" in his JSON body gets 200, others 401, but for what his "email" says: slow (300 ms),
# hang (20 s), silent (no answer), broken (500), always (200 to the wrong password as well, with the field X-Failed).
sub start_login {
    return start_upstream(\&_answer);
}

sub _answer {
    my ($request) = @_;
    my $given = eval { JSON::PP::decode_json($request->{body}) } // {};
    my ($user, $password) = map { $given->{$_} // '' } qw(email password);
    select undef, undef, undef, 0.3 if $user =~ /slow/;
    select undef, undef, undef, 20  if $user =~ /hang/;
    return if $user =~ /silent/;
    my $status = $user =~ /broken/ ? 500 : $password eq 'right' ? 200 : 401;
    my $failed = $user =~ /always/ && $status == 401 ? "X-Failed: 1\r\n" : '';
    $status = 200 if $failed;
    return "HTTP/1.1 $status Status\r\n${failed}Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
}

1;
