"""What is asked, and over which trees of archives."""
from dataclasses import dataclass
from urllib.parse import quote

HOST = "servers.host-000000-fra1-prod"
# The names of the load generator have five parts, or seven below `ceph`.
ALL = ("servers.*.*.*.*", "servers.*.ceph.*.*.*.*")


@dataclass(frozen=True)
class Tree:
    """Archives of one ring each, all slots filled."""

    metrics: int
    slots: int
    step: int


@dataclass(frozen=True)
class Request:
    """One question; what is asked of all series of the tree is `targets`."""

    name: str
    tree: str
    targets: tuple
    more: str = ""
    # Answered from the disk: the archives leave the page cache before each time it is asked.
    cold: bool = False
    # VictoriaMetrics answers plain series alone.
    plain: bool = True

    def query(self, begin, end, *more):
        """The query string that graphite-web and everyone like it understands."""
        targets = ["target=" + quote(target) for target in self.targets]
        return "&".join([*targets, f"from={begin}", f"until={end}", "format=json", *more]) + self.more


TREES = {
    "day": Tree(metrics=1_000, slots=1_440, step=60),
    "wide": Tree(metrics=10_000, slots=1_440, step=60),
    "year": Tree(metrics=100, slots=525_600, step=60),
}
CALLS = f'groupByNode(group({",".join(ALL)}),1,"sum")'
REQUESTS = [
    Request("json-1", "day", (f"{HOST}.cpu.total.user",)),
    Request("json-10", "day", (f"{HOST}.cpu.*.{{user,nice}}",)),
    Request("json-100", "day", ("servers.*.cpu.*.{user,nice}",)),
    Request("json-1000", "day", ALL),
    Request("json-1000-800px", "day", ALL, more="&maxDataPoints=800", plain=False),
    Request("sum-1000", "day", (f'sumSeries({",".join(ALL)})',), plain=False),
    Request("panel", "day", ("aliasByNode(movingAverage(scale(servers.*.cpu.total.user,2),10),1)",), plain=False),
    Request("group-10000", "wide", (CALLS,), plain=False),
    Request("year-cold-20", "year", (f"{HOST}.cpu.{{total,cpu0,cpu1,cpu2}}.{{user,nice,system,idle,iowait}}",),
            more="&maxDataPoints=1000", cold=True, plain=False),
]
