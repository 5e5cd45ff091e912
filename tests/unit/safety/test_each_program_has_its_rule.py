"""The list that ships with Skep, program by program: what each may have, and what each may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from safety.command_file import shipped_rules
from safety.command_policy import CommandPolicy
from safety.work import Work
from tests.unit.safety.policy_table import policy_of, rule

#: A command a person would write, by line.
MAY_RUN = """
ls -la
ls -lahtr --color=never sub
ls -I '*.o' -w80 --sort=size
ls --ignore '*.o' .
cat -nA file.txt
cat -- -n
cat --help
tac file.txt
rev file.txt
nl -ba file.txt
head -5 file.txt
head -n5 -q file.txt sub/deep.txt
head --lines=-3 file.txt
head -c 10K file.txt
tail -n +2 file.txt
tail -20 file.txt
wc -l file.txt
wc --words file.txt a b
sort -rn file.txt
sort -t, -k2,2n -u file.txt
sort --key=1 --field-separator=: file.txt
uniq -c file.txt
cut -d: -f1,3 file.txt
cut -f 2 file.txt
tr a b
fold -w 40 -s file.txt
fold -40 file.txt
fmt -w 60 file.txt
expand -t 4 file.txt
unexpand -a file.txt
paste -d, a b
join -t, -1 2 -2 1 a b
comm -12 a b
cmp -s a b
cmp a b 1 2
diff -u a b
diff -ruN sub .
diff --unified=5 --color=never a b
column -t -s, file.txt
grep -rn TODO .
grep -i -A3 -B 2 'a|b' file.txt
grep -5 inside file.txt
grep -e one -e two file.txt
grep --regexp=one --include='*.py' -r .
grep -c '' file.txt
grep -v -- -x file.txt
rg -n --hidden bee
rg -e bee -tpy sub
rg --files sub
rg -A3 -g '!*.md' 'a b' .
find . -name '*.py'
find . -type f -size +10k -mtime -7 -printf '%p %s\\n'
find sub -maxdepth 2 '(' -name a -o -name b ')' -print0
find . ! -path './.git/*' -newer file.txt
stat -c '%s %n' file.txt
stat --printf=%s file.txt
du -sh .
du -d1 --exclude='*.o' sub
file -b --mime-type file.txt
basename sub/deep.txt .txt
basename /etc/passwd
dirname /usr/bin/env
realpath --relative-to=sub file.txt
readlink -f inner
date
date +%Y-%m-%d
date -u -d '2 days ago' +%s
date --iso-8601=seconds
seq 3
seq 1 2 9
seq -w 8 11
seq 5 -1 1
seq -5 5
sha256sum file.txt
sha256sum -c file.txt
md5sum a b
cksum -a sha256 file.txt
b2sum -l 128 file.txt
base64 -d file.txt
od -A x -t x1z -N 16 file.txt
hexdump -C -n 64 file.txt
jq . file.txt
jq -r '.a | .b' file.txt
jq -n --arg who bee '{who: $who}'
jq --slurpfile all a '$all' b
expr 1 + 2
expr length word
printf '%s\\n' a b
echo -n a
test -f file.txt
test a = b -a -d sub
test 3 -gt 2
true
false
pwd -P
sleep 0.1
sleep 5m
git version
git --version
git status
git status -sb --porcelain=v2 -uno sub
git log --oneline -5
git log -n 3 --stat --since='2 weeks ago' --author=me -- file.txt
git log -p -S bee main..dev
git log --graph --pretty=format:'%h %s' --all
git log -L 1,5:file.txt
git diff
git diff --cached --stat
git diff HEAD~3 -- sub
git diff main...dev --name-only
git diff -U5 -w
git show HEAD
git show HEAD:file.txt
git show --stat -M90% v1.0
git rev-parse HEAD
git rev-parse --short=8 --verify HEAD
git rev-list --count HEAD
git merge-base main dev
git branch
git branch -avv --sort=-committerdate
git branch --list 'fix/*'
git branch --show-current
git tag
git tag -l 'v*'
git tag -n3 --contains HEAD
git remote -v
git stash list
git stash show --stat 'stash@{1}'
git reflog -5
git ls-files -m
git ls-files --others --exclude-standard
git ls-tree -r HEAD sub
git cat-file -p HEAD
git blame -L 1,3 file.txt
git shortlog -sn HEAD
git shortlog -sne --all
git describe --tags --always --dirty
git grep -n bee
git grep -e bee HEAD -- sub
git add file.txt
git add -A
git commit -m 'first; second'
git commit -am 'all of it' --author='A <a@b.c>'
git commit --amend --no-edit
""".strip().splitlines()

#: A command, and the rule that refuses it.
MAY_NOT_RUN = """
ls ../                                    ls-outside
ls --unknown                              ls-option
ls -la%                                   ls-option
ls --al                                   ls-option
ls --all=yes                              ls-option
ls --sort=evil                            ls-value
ls -w                                     ls-option
ls -wten                                  ls-value
cat -x file.txt                           cat-option
cat link                                  cat-outside
cat -n link                               cat-outside
cat -- link                               cat-outside
cat inner up/secret                       cat-outside
head -n file.txt                          head-value
head -n5 link                             head-outside
head -5q file.txt                         head-option
head --line=5 file.txt                    head-option
tail -f file.txt                          tail-option
tail -n5f! file.txt                       tail-value
tail -qf file.txt                         tail-option
tail -F file.txt                          tail-option
tail --follow=name file.txt               tail-option
tail --pid=1 file.txt                     tail-option
tail -5f file.txt                         tail-option
wc --files0-from=link                     wc-option
wc --files0-from link                     wc-option
wc --files0 link                          wc-option
sort -o out file.txt                      sort-option
sort -oout file.txt                       sort-option
sort -ro out file.txt                     sort-option
sort file.txt -o out                      sort-option
sort --output=out file.txt                sort-option
sort --outp out file.txt                  sort-option
sort -T /tmp file.txt                     sort-option
sort --compress-program=id file.txt       sort-option
sort --compress-prog id file.txt          sort-option
sort --files0-from=link                   sort-option
sort --random-source=/etc/passwd a        sort-option
sort                                      sort-arguments
uniq a b                                  uniq-arguments
uniq a ../out                             uniq-arguments
uniq                                      uniq-arguments
base64 a b                                base64-arguments
cut --output-delim=x file.txt             cut-option
diff a                                    diff-arguments
diff a b sub                              diff-arguments
diff a /etc/shadow                        diff-outside
diff -l a b                               diff-option
diff -ul a b                              diff-option
diff --paginate a b                       diff-option
diff --to-file=/etc/shadow a              diff-option
diff --from-file /etc/shadow a            diff-option
diff -X link a b                          diff-option
grep -f link file.txt                     grep-option
grep -flink file.txt                      grep-option
grep -nf link file.txt                    grep-option
grep --file=link file.txt                 grep-option
grep -e x link                            grep-outside
grep x file.txt link                      grep-outside
grep -ex link                             grep-outside
grep --regexp x /etc/passwd               grep-outside
grep -r x /                               grep-outside
grep --exclude-from=link x a              grep-option
grep                                      grep-arguments
rg --pre id x .                           rg-option
rg --pre=id x .                           rg-option
rg --pre-glob '*' x                       rg-option
rg --hostname-bin=id x                    rg-option
rg -z x .                                 rg-option
rg -nz x .                                rg-option
rg --search-zip x                         rg-option
rg -f link .                              rg-option
rg -L x                                   rg-option
rg --files /etc                           rg-outside
rg -e x /etc                              rg-outside
rg x up                                   rg-outside
find / -name x                            find-outside
find .. -name x                           find-outside
find . -exec id ';'                       find-option
find . -execdir id ';'                    find-option
find . -ok id ';'                         find-option
find . -okdir id ';'                      find-option
find . -delete                            find-option
find . -fprintf out x                     find-option
find . -fprint out                        find-option
find . -fprint0 out                       find-option
find . -fls out                           find-option
find -L .                                 find-option
find . -follow                            find-option
find -files0-from link                    find-option
find . -newer link                        find-outside
find . -samefile /etc/passwd              find-outside
find . -maxdepth x                        find-value
find . -name                              find-option
find . --help                             find-option
stat /etc/passwd                          stat-outside
du --files0-from=link                     du-option
du -X link .                              du-option
du -L .                                   du-option
du /                                      du-outside
file -m link a                            file-option
file -C                                   file-option
file -bC a                                file-option
file -f link                              file-option
file -z a                                 file-option
file -s a                                 file-option
file --magic-file=x a                     file-option
realpath ../secret                        realpath-outside
readlink link                             readlink-outside
date -s 2030-01-01                        date-option
date --set=2030-01-01                     date-option
date -us 2030-01-01                       date-option
date -f link                              date-option
date --file=link                          date-option
date -r link                              date-outside
date 01010000                             date-value
seq                                       seq-arguments
seq a                                     seq-value
seq 1 2 3 4                               seq-arguments
od --files0-from=link                     od-option
od ../secret                              od-outside
hexdump -f link a                         hexdump-option
jq -f link a                              jq-option
jq -rf link a                             jq-option
jq --from-file link a                     jq-option
jq -L /etc . a                            jq-option
jq --rawfile x link . a                   jq-option
jq --slurpfile x link . a                 jq-outside
jq --slurpfile x                          jq-option
jq . link                                 jq-outside
jq --args . a                             jq-option
test -f ../secret                         test-outside
test -e link                              test-outside
printf '%s' x | sh                        command-shell
sha256sum link                            sha256sum-outside
cmp a b x                                 cmp-value
cat pipe                                  cat-special
cat ''                                    cat-outside
cat sub/-                                 None
cat -                                     cat-input
sort - a                                  sort-input
git                                       git-subcommand
git -c core.pager=id log                  git-subcommand
git -C .. log                             git-subcommand
git --git-dir=../x log                    git-subcommand
git --exec-path=. log                     git-subcommand
git push                                  git-subcommand
git fetch --upload-pack=id origin         git-subcommand
git clone 'ext::sh -c id' y               git-subcommand
git config core.pager id                  git-subcommand
git checkout .                            git-subcommand
git gc                                    git-subcommand
git log --output=x                        git-option
git log --output x                        git-option
git log --outpu=x                         git-option
git log --ext-diff                        git-option
git log --textconv                        git-option
git log --show-signature                  git-option
git log -O x                              git-option
git log ../secret                         git-outside
git diff --no-index a b                   git-option
git diff --no-inde a b                    git-option
git diff ../secret a                      git-outside
git diff /dev/null /etc/shadow            git-outside
git diff a link                           git-outside
git diff -- ../secret                     git-outside
git diff --ext-diff                       git-option
git diff --textconv                       git-option
git diff --output=x                       git-option
git diff --submodule=log                  git-option
git diff --ignore-submodules=none         git-option
git diff -O../secret                      git-option
git show --textconv HEAD:a                git-option
git status --ignore-submodules=none       git-option
git branch new                            git-arguments
git branch -d main                        git-option
git branch -D main                        git-option
git branch -m a b                         git-option
git branch --edit-description             git-option
git tag v1                                git-arguments
git tag -a v1 -m x                        git-option
git tag -d v1                             git-option
git tag -v v1                             git-option
git remote add x y                        git-arguments
git stash                                 git-arguments
git stash pop                             git-value
git stash drop 1                          git-value
git reflog expire                         git-arguments
git ls-files -X ../secret                 git-option
git ls-files --exclude-from=../secret     git-option
git blame --contents ../secret a          git-option
git blame -S ../secret a                  git-option
git cat-file --textconv HEAD:a            git-option
git cat-file --filters HEAD:a             git-option
git cat-file --batch                      git-option
git shortlog                              git-arguments
git grep -Oid x                           git-option
git grep -O x                             git-option
git grep --open-files-in-pager=id x       git-option
git grep -f ../secret                     git-option
git grep --no-index x /etc                git-option
git grep -e x ../secret                   git-outside
git add ../secret                         git-outside
git add link                              git-outside
git add -p                                git-option
git add -i                                git-option
git add -e                                git-option
git add --pathspec-from-file=x            git-option
git commit                                git-arguments
git commit -a                             git-arguments
git commit --amend                        git-arguments
git commit -F ../secret                   git-option
git commit -aF x                          git-option
git commit -m x -S                        git-option
git commit -m x --gpg-sign=k              git-option
git commit -m x -t link                   git-option
git commit -m x --template=link           git-option
git commit -m x --trailer=a               git-option
git commit -m x -e                        git-option
git commit -m                             git-option
awk 'BEGIN{system("id")}'                 program-unknown
sed -i s/a/b/ file.txt                    program-unknown
sed 's/x/id/e' file.txt                   program-unknown
tar cf x . --checkpoint=1                 program-unknown
xargs rm                                  program-unknown
env X=1 bash -c id                        program-unknown
python3 -c 1                              program-unknown
pytest                                    program-unknown
make                                      program-unknown
node -e 1                                 program-unknown
sh -c id                                  program-unknown
bash                                      program-unknown
busybox sh                                program-unknown
perl -e 1                                 program-unknown
ssh host                                  program-unknown
wget http://x                             program-unknown
nc -l 1                                   program-unknown
chmod 777 a                               program-unknown
chown root a                              program-unknown
ln -s /etc x                              program-unknown
dd if=/etc/passwd                         program-unknown
tee out                                   program-unknown
cp a b                                    program-unknown
mv .git .git2                             program-unknown
rm file.txt                               program-unknown
mkdir x                                   program-unknown
touch x                                   program-unknown
timeout 5 sh                              program-unknown
nohup sh                                  program-unknown
xxd -r a b                                program-unknown
sudo ls                                   program-unknown
su                                        program-unknown
less file.txt                             program-unknown
vi file.txt                               program-unknown
LS -la                                    program-unknown
""".strip().splitlines()


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> CommandPolicy:
    return policy_of(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("command", MAY_RUN)
def test_it_may_run(policy: CommandPolicy, command: str) -> None:
    words = policy.read(Work(command=command))
    approved = policy.allow(words)

    assert Path(approved.argv[0]).is_absolute()
    assert (
        approved.argv[len(approved.argv) - len(words) + (2 if words[0] == "git" else 1) :]
        == words[2 if words[0] == "git" else 1 :]
    ), "what was given stands at the end, word for word"


@pytest.mark.parametrize("line", MAY_NOT_RUN)
def test_it_may_not_run(policy: CommandPolicy, line: str) -> None:
    command, _, refused_by = line.rpartition(" ")

    assert str(rule(policy, Work(command=command.rstrip()))) == refused_by


def test_every_program_is_tried() -> None:
    tried = {line.split()[0] for line in MAY_RUN}

    assert set(shipped_rules().allowed) - tried == {
        "sha1sum",
        "sha224sum",
        "sha384sum",
        "sha512sum",
    }  # fmt: skip  the same as sha256sum


def test_every_subcommand_of_git_is_tried() -> None:
    tried = {line.split()[1] for line in MAY_RUN if line.startswith("git ")}

    assert set(shipped_rules().programs["git"].subcommands) == tried


def test_every_option_that_is_never_allowed_is_refused_as_such(policy: CommandPolicy) -> None:
    for program in shipped_rules().programs.values():
        for each in [program, *program.subcommands.values()]:
            if each.subcommands or not each.is_allowed:
                continue
            for option, reason in each.never.items():
                work = Work(argv=(*each.name.split(), option))
                with pytest.raises(Exception, match="can never be allowed") as refused:
                    policy.allow(policy.read(work))
                assert reason in str(refused.value)


def test_only_git_s_own_writing_subcommands_may_write(policy: CommandPolicy) -> None:
    writing = {
        rule.name
        for program in shipped_rules().programs.values()
        for rule in [program, *program.subcommands.values()]
        if rule.rights.git == "write" or (rule.rights.workspace == "write" and rule.is_allowed)
    }

    assert writing == {"git add", "git commit"}


def test_nothing_that_ships_reaches_the_network_or_leaves_the_workspace() -> None:
    for program in shipped_rules().programs.values():
        for each in [program, *program.subcommands.values()]:
            rights = each.rights
            assert not rights.network
            assert rights.read_paths == rights.write_paths == rights.environment_keys == ()


def test_what_writes_is_asked_about_after_an_interruption() -> None:
    for program in shipped_rules().programs.values():
        for each in [program, *program.subcommands.values()]:
            writes = "write" in {each.rights.workspace, each.rights.git}
            assert (each.effect == "unsafe") is writes, each.name
