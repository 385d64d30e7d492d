# Regexes, hashes, sorting, closures, a fork and a pipe.
use strict;
use warnings;

my $seed = 7;
sub chance { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % $_[0] }

my @words = map { join '', map { chr(97 + chance(8)) } 0 .. chance(30) } 1 .. 20000;
my %count;
$count{$_}++ for @words;
my @most = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 99];
print "$_ $count{$_}\n" for @most;

my $text = join ' ', @words;
my $pairs = () = $text =~ /\b(\w+)a(\w+)\b/g;
(my $marked = $text) =~ s/([aeiou])(\w)/<$2$1>/g;
print "$pairs ", length($marked), " ", unpack('%32C*', $marked), "\n";
print join(',', ($text =~ /((?:ab|cd)+e?)/g)[0 .. 50]), "\n";

# Strings that grow, are cut, and are copied.
my $long = '';
for my $i (1 .. 20000) {
    $long .= "row $i;";
    substr($long, 0, 3000, '') if length($long) > 100_000;
}
print length($long), ' ', unpack('%32C*', $long), "\n";

my %tree;
for my $i (1 .. 5000) { $tree{chance(50)}{chance(50)}[chance(20)] = { id => $i, name => "n$i" } }
my $sum = 0;
for my $a (sort { $a <=> $b } keys %tree) {
    for my $b (sort { $a <=> $b } keys %{ $tree{$a} }) {
        $sum += $_->{id} for grep { defined } @{ $tree{$a}{$b} };
    }
    delete $tree{$a} if $a % 3 == 0;
}
print "$sum ", scalar(keys %tree), "\n";

my @counters = map { my $n = $_; sub { $n += shift } } 1 .. 1000;
$_->(5) for @counters;
print $counters[999]->(1), "\n";

pipe(my $reader, my $writer) or die "pipe: $!";
my $child = fork // die "fork: $!";
if (!$child) {
    close $reader;
    my @sorted = sort { $a cmp $b } map { scalar reverse } @words;
    print $writer "$_\n" for @sorted[0 .. 999];
    close $writer;
    exit 3;
}
close $writer;
my @lines = <$reader>;
waitpid $child, 0;
print "the child left ", $? >> 8, " and wrote ", scalar(@lines), " lines, ", unpack('%32C*', "@lines"), "\n";
print sprintf('%s', join '', reverse split //, $words[5]), "\n";
print `echo through a shell | tr a-z A-Z`;
eval { die { code => 42 } };
print "caught $@->{code}\n";
