# A repository is fetched, read, repacked, checked, and changed. Called with the path of a bare one.
set -euo pipefail
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'

git clone --quiet --no-local "$1" work
cd work
git log --stat --format='%H %an %s' | sha256sum
git log -p -M --format=%H -n 60 | sha256sum
git log --graph --oneline --all | sha256sum
for file in Cargo.toml src/lib.rs README.md; do git blame --line-porcelain "$file" | sha256sum; done
first=$(git rev-list --max-count=40 HEAD | tail -1)
git diff --stat --find-copies-harder "$first" HEAD | sha256sum
git diff --word-diff=porcelain --patience "$first" HEAD -- src | sha256sum
git grep -n -E '(fn|struct) [a-z_]+' | sha256sum
git shortlog -sn HEAD
git archive --format=tar HEAD | sha256sum

# What is written is compared as files, too.
git repack -adfq --depth=30 --window=20
git gc --quiet --prune=now
git fsck --full --strict
git verify-pack -v .git/objects/pack/*.idx | sha256sum
git bundle create --quiet ../all.bundle --all
git commit-graph write --reachable --no-progress

git checkout --quiet -b side "$first"
seq 1 3000 > numbers && git add numbers && git commit --quiet -m 'Numbers'
sed -i '700,900d; s/13/thirteen/' numbers && git commit --quiet -am 'Fewer numbers'
git rebase --quiet @{-1} && git log --format='%H %s' -n 3
seq 1 2900 > numbers && git stash --quiet && git stash show -p | sha256sum
git merge --quiet --no-ff -m 'Together' "$first" && git rev-parse 'HEAD^{tree}'
git fast-export side | sha256sum
git for-each-ref --format='%(refname) %(objectname)'
