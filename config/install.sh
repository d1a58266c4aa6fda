# Read by ./run and ./test: makes the tools and the packages in the project folder, once. Plain POSIX sh.
# Needs python3 >= 3.11 with venv. Everything lands in .venv-tools, .venv and var; nothing outside the project.

INSTALL_LOG=var/log/install.log
ROOM_KB=1500000

# stop JAPANESE ENGLISH: one sentence, in two languages, and the end.
stop() {
    printf '%s\n%s\n' "$1" "$2" >&2
    exit 1
}

# find_python: sets PYTHON to a command that is new enough and can make a venv.
find_python() {
    found=''
    without_venv=''
    for candidate in .venv/bin/python python3.13 python3.12 python3.11 python3; do
        version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { found=$version; continue; }
        "$candidate" -c 'import ensurepip, venv' 2>/dev/null || { without_venv=$candidate; continue; }
        PYTHON=$candidate
        return
    done
    if [ -n "$without_venv" ]; then
        stop "Python の venv が入っていません。Debian や Ubuntu では「sudo apt install python3-venv」で入ります。" \
            "Python's venv is missing. On Debian or Ubuntu: sudo apt install python3-venv"
    fi
    stop "Python 3.11 以上が必要です（見つかったもの：${found:-なし}）。" \
        "Python 3.11 or newer is needed (found: ${found:-none})."
}

# step JAPANESE ENGLISH COMMAND…: says what is being done, does it with details in the log, and ends with one
# sentence when it fails. A long step shows that it lives.
step() {
    printf '%s %s\n' "$1" "$2"
    shift 2
    log_from=$(wc -c <"$INSTALL_LOG")
    ( seconds=0
      while sleep 5 >/dev/null 2>&1; do
          seconds=$((seconds + 5))
          printf '      … %s s\n' "$seconds"
      done ) &
    BEAT=$!
    if "$@" >>"$INSTALL_LOG" 2>&1 </dev/null; then failed=''; else failed=yes; fi
    kill "$BEAT" 2>/dev/null
    wait "$BEAT" 2>/dev/null || :
    BEAT=''
    [ -z "$failed" ] || explain "$log_from"
}

# explain BYTES: turns what the log says after BYTES into one sentence.
explain() {
    said=$(tail -c "+$(($1 + 1))" "$INSTALL_LOG")
    case $said in
    *'No space left'* | *'Disk quota'*)
        stop "ディスクの空きが足りません。1.5 GB 以上あけてから、もう一度お試しください。" \
            "The disk is full. Please free at least 1.5 GB and try again." ;;
    *CERTIFICATE_VERIFY* | *certificate* | *UnknownIssuer*)
        stop "通信の証明書を確かめられません。組織の証明書を PIP_CERT で指定してください。くわしくは $INSTALL_LOG" \
            "The network's certificate cannot be verified. Name your organisation's with PIP_CERT. Details: $INSTALL_LOG" ;;
    *'THESE PACKAGES DO NOT MATCH'* | *'ash mismatch'*)
        stop "届いた部品が記録と違うので、入れませんでした。くわしくは $INSTALL_LOG" \
            "A package differs from what was recorded, so it was not installed. Details: $INSTALL_LOG" ;;
    *'onnection'* | *'onnect'* | *'resolve'* | *'resolution'* | *'imed out'* | *'timeout'* | *'Network'* | *'network'*)
        stop "インターネットにつながらないので、部品を取りに行けません。つないでから、もう一度お試しください。" \
            "No network: the packages cannot be fetched. Connect and try again. Details: $INSTALL_LOG" ;;
    esac
    stop "準備の途中で止まりました。くわしくは $INSTALL_LOG" "The installation stopped. Details: $INSTALL_LOG"
}

# mark LOCK: what .venv holds once it was made from this lock, by this Python, in this place.
mark() {
    printf '%s %s %s' "$1" "$(cksum <"config/lock/$1.txt")" "$(pwd -P)"
}

# is_installed LOCK: is .venv complete for LOCK, and does its Python still start?
is_installed() {
    [ "$(cat .venv/installed 2>/dev/null)" = "$(mark "$1") $(.venv/bin/python -V 2>/dev/null)" ]
}

# install LOCK: makes .venv hold what config/lock/LOCK.txt lists. The test lock holds all of the run lock too.
install() {
    lock=$1
    if [ "$lock" = run ]; then
        case $(cat .venv/installed 2>/dev/null) in test\ *) lock=test ;; esac
    fi
    is_installed "$lock" && return
    find_python
    mkdir -p var/log var/cache
    date >"$INSTALL_LOG"
    [ "$(df -Pk . | awk 'NR == 2 { print $4 }')" -ge "$ROOM_KB" ] ||
        stop "ディスクの空きが足りません。1.5 GB 以上あけてから、もう一度お試しください。" \
            "Not enough free disk space. Please free at least 1.5 GB and try again."
    trust
    BEAT=''
    trap '[ -z "$BEAT" ] || kill "$BEAT" 2>/dev/null; printf "\n"; exit 130' INT TERM HUP
    printf 'はじめに必要なものを入れます（初めてのときだけ）。 Installing what is needed (first time only).\n'
    rm -f .venv/installed
    step '[1/3] 道具を用意しています…' 'Preparing the tools' make_tools
    step '[2/3] Python の場所を作っています…' 'Making a place for packages' make_venv
    step '[3/3] 部品を取りに行っています…' 'Fetching the packages' sync_venv "$lock"
    printf '%s %s' "$(mark "$lock")" "$(.venv/bin/python -V)" >.venv/installed
    trap - INT TERM HUP
}

# trust: uv reads neither pip's settings nor, by itself, the machine's certificates.
trust() {
    if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "${PIP_CERT:-}" ]; then
        SSL_CERT_FILE=$PIP_CERT
        export SSL_CERT_FILE
    fi
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -s "$bundle" ]; then
            UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
            export UV_SYSTEM_CERTS
        fi
    done
    if [ -z "${UV_DEFAULT_INDEX:-}" ] && [ -n "${PIP_INDEX_URL:-}" ]; then
        UV_DEFAULT_INDEX=$PIP_INDEX_URL
        export UV_DEFAULT_INDEX
    fi
    UV_CACHE_DIR=$(pwd -P)/var/cache/uv
    UV_PYTHON_DOWNLOADS=never
    UV_NO_PROGRESS=1
    export UV_CACHE_DIR UV_PYTHON_DOWNLOADS UV_NO_PROGRESS
}

make_tools() {
    tools_mark=$(mark tools)
    [ "$(cat .venv-tools/installed 2>/dev/null)" = "$tools_mark" ] && .venv-tools/bin/uv --version && return
    "$PYTHON" -m venv --clear .venv-tools || return 1
    .venv-tools/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-input --retries 2 \
        --only-binary :all: --require-hashes -r config/lock/tools.txt || return 1
    printf '%s' "$tools_mark" >.venv-tools/installed
}

# A folder that was moved or copied holds programs that name the old place: such a .venv is made anew.
make_venv() {
    if [ -L .venv ]; then rm .venv; fi # another folder's: that one stays as it is
    grep -qF "$(pwd -P)/.venv" .venv/pyvenv.cfg &&
        .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' && return
    "$PYTHON" -m venv --clear --without-pip .venv
}

sync_venv() {
    .venv-tools/bin/uv pip sync --require-hashes --only-binary :all: --compile-bytecode \
        --python .venv/bin/python "config/lock/$1.txt"
}
