#!/bin/bash
# What is installed: files at their places, a unit that systemd accepts, configurations that start; debian/control asks
# for what the build needs.
. "$(dirname "$0")/lib.sh"
need make
make -q weir || skip "./weir is not built, or not the newest"

make -s install DESTDIR="$work/out" PREFIX=/usr >"$work/install.log" 2>&1 || fail "make install"
for file in usr/sbin/weir usr/share/man/man1/weir.1 usr/lib/systemd/system/weir.service usr/share/doc/weir/management.md \
    usr/share/bash-completion/completions/weir usr/share/doc/weir/examples/quickstart.cfg; do
    [ -s "$work/out/$file" ] || fail "$file is not installed"
done
"$work/out/usr/sbin/weir" -v | grep -q "^weir version" || fail "the installed program does not run"
! grep -rq '@[A-Z]*@' "$work/out/usr/lib/systemd/system/weir.service" || fail "a placeholder is left in the unit"
bash -n packaging/weir.bash-completion || fail "completion"

# As the unit starts it, but for the user, which this machine may lack.
sed -e '/^ *user /d; /^ *group /d; /setcap/d' -e "s,/run/weir/,$work/," packaging/weir.cfg >"$work/weir.cfg"
"$weir" -c -q -f "$work/weir.cfg" || fail "packaging/weir.cfg"
"$weir" -c -q -f packaging/keepalived/alive.cfg || fail "packaging/keepalived/alive.cfg"

for script in debian/weir.postinst debian/weir.postrm; do sh -n "$script" || fail "$script"; done
for package in $(sed -n 's/^build="\(.*\)"$/\1/p' scripts/install-deps); do
    case $package in
    gcc | make) continue ;; # build-essential
    esac
    grep -q "^Build-Depends:.*[ ,]$package\(,\|$\)" debian/control || fail "debian/control does not ask for $package"
done

# systemd finds no fault in it, but for manual pages that it cannot look up.
if command -v systemd-analyze >/dev/null 2>&1; then
    sed "s,/usr/sbin/weir,$work/out/usr/sbin/weir," "$work/out/usr/lib/systemd/system/weir.service" >"$work/weir.service"
    systemd-analyze verify "$work/weir.service" 2>&1 | grep -v "man weir" >"$work/verify.log" || true
    ! grep -q "weir.service" "$work/verify.log" || fail "systemd-analyze verify"
fi
