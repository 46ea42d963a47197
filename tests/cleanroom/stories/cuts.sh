# An installation that is cut off, every process at once, is finished by running it again.
# shellcheck shell=bash disable=SC2154
while read -r seconds at <&3; do
    if [ -z "$at" ]; then continue; fi
    fresh
    install en >"$scratch/cut-$suite.log" 2>&1 &
    until grep -q "==> $at" "$scratch/cut-$suite.log"; do sleep 0.05; done
    sleep "$seconds"
    power_cut
    wait $! 2>/dev/null || true
    begun_anew
    say "cut off $seconds s after: $(grep '==>' "$scratch/cut-$suite.log" | tail -1)"
    quiet install en
    check "the second run brings it in order" ask serves
    check "commands work by themselves" quiet inside davylamp status
done 3<<CUTS
$cuts
$(awk -v seed="$seed" -v n="$random_cuts" 'BEGIN { srand(seed); for (; n > 0; n--) print int(rand() * 40) " Debian packages" }')
CUTS
