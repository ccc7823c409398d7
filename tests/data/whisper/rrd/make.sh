#!/bin/sh
# Makes two.xml and two.fetch with rrdtool (1.7.2 of Debian 12); a second run writes the same.
set -eu
cd "$(dirname "$0")"
rrd=$(mktemp -d)/two.rrd
rrdtool create "$rrd" --start 1749990000 --step 60 DS:in:GAUGE:120:U:U DS:out:GAUGE:120:U:U \
    RRA:AVERAGE:0.5:1:30 RRA:AVERAGE:0.5:5:24 RRA:MAX:0.5:1:30 RRA:MAX:0.5:5:24
t=1749990060
while [ $t -le 1749996000 ]; do
    # A hole of seven minutes.
    if [ $t -lt 1749995280 ] || [ $t -gt 1749995640 ]; then
        rrdtool update "$rrd" "$t:$((t / 60 % 17)):$((t / 60 % 5 - 2)).25"
    fi
    t=$((t + 60))
done
rrdtool dump "$rrd" > two.xml
# `time: in out`, the finest archive that covers the span; rrdtool names a row by its end.
for span in 1800 7200; do
    echo "span $span"
    rrdtool fetch "$rrd" AVERAGE --start $((1749996000 - span)) --end 1749995999 | tail -n +3
done > two.fetch
