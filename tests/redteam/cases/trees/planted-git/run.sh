mkdir -p .git/hooks .git/objects .git/refs/heads sub/.git
echo "ref: refs/heads/main" > .git/HEAD
cat > .git/config <<END
[core]
	repositoryformatversion = 0
	fsmonitor = "echo owned > $1"
	sshCommand = "echo owned > $1"
	hooksPath = .git/hooks
	pager = "echo owned > $1"
[diff]
	external = "echo owned > $1"
[filter "evil"]
	smudge = "echo owned > $1"
	clean = "echo owned > $1"
END
for hook in pre-commit post-checkout post-index-change fsmonitor-watchman; do
    printf '#!/bin/sh\necho owned > %s\n' "$1" > .git/hooks/$hook
    chmod +x .git/hooks/$hook
done
echo "* filter=evil diff=evil" > .gitattributes
printf '[submodule "sub"]\n\tpath = sub\n\turl = --upload-pack=touch\n' > .gitmodules
echo "gitdir: /" > coins/.git
