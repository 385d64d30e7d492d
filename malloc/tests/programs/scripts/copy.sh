# Makes `copy.git`, a bare repository with one branch, from the sources in "$1".
set -euo pipefail
git init --quiet --bare copy.git
if shallow=$(git -C "$1" rev-parse --is-shallow-repository 2>/dev/null) && [ "$shallow" = false ]; then
    git -C copy.git fetch --quiet "$1" HEAD:refs/heads/main
    exit
fi

# No history here, so one is made: the files of `src` come one by one, and then the rest.
export GIT_DIR="$PWD/copy.git" GIT_WORK_TREE="$PWD/tree"
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
mkdir tree
for part in README.md Cargo.toml src tests examples; do cp -R "$1/$part" tree; done
git config core.bare false
cd tree
git add README.md Cargo.toml src/lib.rs
git commit --quiet -m 'The first files'
find src -name '*.rs' | sort | while read -r file; do
    git add "$file"
    git commit --quiet --allow-empty -m "With $file"
done
git add -A
git commit --quiet -m 'All the rest'
git config core.bare true
