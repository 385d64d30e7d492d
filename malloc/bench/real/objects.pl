# Objects in Perl: scalars, arrays, hashes, regular expressions.
#
# Stands for a script that reads a log and reports. Perl takes every scalar's text, array and hash
# bucket from malloc. Prints a checksum. Argument: percent of the work, 100 unless told.

use strict;
use warnings;
use integer;

my $percent = @ARGV ? $ARGV[0] : 100;
my $state = 2463534242;

# xorshift32: Marsaglia, "Xorshift RNGs", 2003.
sub below {
    $state ^= $state << 13 & 0xFFFFFFFF;
    $state ^= $state >> 17;
    $state ^= $state << 5 & 0xFFFFFFFF;
    return $state % $_[0];
}

my (%host, @recent);
my $checksum = 0;
for my $i (1 .. $percent * 1200) {
    my $path = join '/', map { 'part' . below(60) } 1 .. 1 + below(5);
    my $line = sprintf '%s.example - [%d] "GET /%s HTTP/1.1" %d %d', 'host' . below(900), $i, $path,
        200 + below(4) * 100, below(100000);
    my ($name, $url, $status, $size) = $line =~ m{^(\S+) - \[\d+\] "GET (\S+) [^"]*" (\d+) (\d+)$}
        or die 'no match';
    my $seen = $host{$name} //= { bytes => 0, urls => {}, lines => [] };
    $seen->{bytes} += $size;
    $seen->{urls}{$url}++;
    push @{ $seen->{lines} }, [ split /[ "]+/, $line ];
    shift @{ $seen->{lines} } if @{ $seen->{lines} } > 30;
    push @recent, $line;
    if (@recent == 2000) {
        my @sorted = sort { length $a <=> length $b || $a cmp $b } @recent;
        $checksum = ($checksum * 31 + unpack '%32C*', join "\n", @sorted[0 .. 99]) % 1_000_000_000_007;
        @recent = ();
    }
    delete $host{$name} if keys %{ $seen->{urls} } > 150;
}
for my $name (sort keys %host) {
    my $urls = $host{$name}{urls};
    my $text = join ',', map { "$_=$urls->{$_}" } sort keys %$urls;
    $checksum = ($checksum * 31 + $host{$name}{bytes} + unpack '%32C*', $text) % 1_000_000_000_007;
}
printf "checksum %d\n", $checksum;
