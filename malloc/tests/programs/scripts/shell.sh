# Pipelines, arrays, expansions, subshells, archives, and sorting on two threads.
set -euo pipefail

declare -A count
for i in {1..3000}; do
  word="w$((i * 7919 % 211))"
  count[$word]=$(( ${count[$word]:-0} + i ))
done
for word in "${!count[@]}"; do printf '%s %d\n' "$word" "${count[$word]}"; done | sort -k2,2n -k1,1 | head -40

text=""
for i in {1..2000}; do text+="line $i of ${RANDOM:0:0}text;"; done
echo "${#text} ${text//line/row}" | cksum
echo "${text^^}" | tr ';' '\n' | grep -E '(1[0-9]+ OF|7)' | sed -E 's/([0-9]+)/<\1>/' | awk '{ n += NF } END { print NR, n }'

mkdir -p tree/{a,b,c}/{d,e}
for i in {1..120}; do
  seq "$i" $((i * 20)) > "tree/$(printf 'abc' | cut -c $((i % 3 + 1)))/$(printf 'de' | cut -c $((i % 2 + 1)))/$i"
done
seq 1 200000 | awk '{ print ($1 * 7919) % 200003, $1 }' > numbers
sort --parallel=2 -S 4M -T . -k1,1n numbers > sorted
sort --parallel=2 -R --random-source=numbers numbers | cksum
sort -u --parallel=2 numbers | uniq | join - <(sort numbers) | cksum
comm -12 <(sort numbers) <(sort sorted) | wc -l
find tree -type f | sort | xargs -n 7 -P 1 cksum | sha256sum
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf tree.tar tree
gzip -n -9 -k tree.tar
mkdir back
tar -xzf tree.tar.gz -C back
diff -r tree back/tree && echo "the archive is whole"
{ tar -tvf tree.tar; } | sha256sum
{ diff <(seq 1 3000) <(seq 1 3000 | sed '500,600d; s/7/seven/') || true; } | cksum
( exit 7 ) || echo "a subshell left $?"
x=$(for i in {1..200}; do ( echo "$i" ); done | paste -sd+ | xargs -I{} expr 0) || true
echo "[$x]"
