#!/bin/sh
# The main job, visibly: a training script in a git repository becomes a task, which is listed, read, cloned with
# another learning rate, and put into a queue; an agent takes it from there, rebuilds its code, runs it, and the two are
# compared. `make demo` calls this, when the environment is there.
# All of it happens in .demo, which is made anew; the home folder and the user's git settings are not looked at.
set -eu

checkout=$(cd "$(dirname "$0")/.." && pwd)
scratch=$checkout/.demo
project=examples/iris

# What the caller's shell says about git or taskstore must not lead out of the scratch folder.
for name in $(env | sed -n -e 's/^\(GIT_[A-Z_]*\)=.*/\1/p' -e 's/^\(TASKSTORE_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$scratch/gitconfig"
export GIT_PAGER=cat PAGER=cat # nobody is to press a key on the way
export TASKSTORE_ROOT="$scratch/store"
# What an agent builds would be in the user's cache folder else.
export TASKSTORE_AGENT__WORK="$scratch/work" TASKSTORE_AGENT__ENVIRONMENTS="$scratch/environments"
export PATH="$checkout/.venv/bin:$PATH"

bold="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

say() { printf '\n%s\n' "$*"; }

show() { # print a command, then run it
    printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@"
}

prepare() { # a repository with the example committed, and one line changed since
    [ ! -e "$scratch" ] || chmod -R u+w "$scratch" # published tasks are read-only
    rm -rf "$scratch"
    mkdir -p "$scratch/iris"
    printf '[user]\n\tname = Demo\n\temail = demo@example.org\n[init]\n\tdefaultBranch = main\n' >"$GIT_CONFIG_GLOBAL"
    cp "$checkout/examples/iris/train.py" "$checkout/examples/iris/iris.csv" "$checkout/examples/iris/README.md" \
        "$scratch/iris"
    cd "$scratch/iris"
    git init --quiet
    git add .
    git commit --quiet -m "Iris classifier"
    sed 's/^DECAY = 1\.0 /DECAY = 0.995 /' train.py >train.new
    mv train.new train.py
    if git diff --quiet; then
        echo "demo: the line to change was not found in train.py" >&2
        exit 1
    fi
}

completed() { # how many tasks of the project ran to their end
    taskstore ls --project "$project" --json | python -c '
import json, sys
print(sum(json.loads(line)["status"] == "completed" for line in sys.stdin))'
}

say "A training script in a git repository. Two of its lines are taskstore's:"
prepare
show grep -n Task train.py
say "One line has been changed since the last commit; the task will remember it:"
show git diff --unified=0 train.py

say "It runs as it always did, and leaves a task:"
show python train.py
show taskstore ls
show taskstore show "$project/train"
show taskstore logs "$project/train"

say "The same again with a tenth of the learning rate. No file is edited, and it is run later: it waits in a queue."
show taskstore clone "$project/train" --name train-slower --set Args/lr=0.01 --queue default

say "An agent takes it. It rebuilds the code in a folder of its own: the commit, and the line that was not committed."
show taskstore agent start --queue default --once
show taskstore ls

say "What the other learning rate has brought:"
show taskstore diff "$project/train" "$project/train-slower"

if [ "$(completed)" != 2 ]; then
    echo "demo: two completed tasks were expected in $TASKSTORE_ROOT" >&2
    exit 1
fi

cat <<END

${bold}Now you.${plain} In this folder, with the environment and the scratch store at hand:

  . .venv/bin/activate
  export TASKSTORE_ROOT="\$PWD/.demo/store"
  export TASKSTORE_AGENT__WORK="\$PWD/.demo/work" TASKSTORE_AGENT__ENVIRONMENTS="\$PWD/.demo/environments"

and try

  taskstore ls --where 'Args/lr < 0.05'
  taskstore sweep $project/train --grid Args/lr=0.1,0.01,0.001 --metric loss/validation:min --name rates
  taskstore agent start --once
  taskstore sweep $project/rates     # the trials, the best first
  find .demo/store/projects    # a task is a folder of plain files

Your own script needs the two lines above, and no server and no account.
END
