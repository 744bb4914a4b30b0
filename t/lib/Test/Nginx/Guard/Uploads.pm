package Test::Nginx::Guard::Uploads;

# Forms with files, and what came of them.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use Test::Nginx::Guard;

our @EXPORT_OK = qw(form post_form begin_form said file_event);

# Of [NAME, CONTENT], each a text file.
sub form {
    my $form = join '', map { qq(--b\r\nContent-Disposition: form-data; name="f"; filename="$_->[0]"\r\nContent-Type: text/plain\r\n\r\n$_->[1]\r\n) } @_;
    return "$form--b--\r\n";
}

# "STATUS", or "STATUS CODE KEYWORD" of a problem.
sub said {
    my ($answer) = @_;
    return 'none' if !$answer;
    my ($code)    = $answer->{body} =~ /"code":"([^"]+)"/;
    my ($keyword) = $answer->{body} =~ /"keyword":"([^"]+)"/;
    return join ' ', $answer->{code}, $code // (), $keyword // ();
}

sub post_form {
    my ($port, $target, @files) = @_;
    return said(request($port, POST => $target, headers => ['Content-Type: multipart/form-data; boundary=b'], body => form(@files), timeout => 30));
}

# Sends it and does not wait; answers the connection.
sub begin_form {
    my ($port, $target, $form) = @_;
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
    print {$client} "POST $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " . length($form) . "\r\n\r\n$form";
    $client->flush;
    return $client;
}

# "KIND DECISION CODE NAME SCAN SIGNATURE" of a line of the event log.
sub file_event {
    my ($event) = @_;
    return join ' ', $event->{labels}{kind}, $event->{labels}{decision} // '-', $event->{event}{code} // '-', $event->{file}{name} // '-', $event->{labels}{scan} // '-', $event->{labels}{signature} // ();
}

1;
