"""The figures: each function measures one row of targets and returns its figures."""

from dataclasses import dataclass
from statistics import median

import tokens
from programs import (CONNECTIONS, Failed, Store, command, cores, databases, empty_server, on_core,
                      program, run_json, thingward)

ROUNDS = 5
PASS = 100_000  # requests in a round; as many before it warm up
RATE = 20_000  # a second, offered
CHANGES = 5_000  # in a round …
CHANGES_PLANNED = 5_500  # … and with those before it that warm up
SESSIONS = 4  # that change a PostgreSQL: the server's own default
LIMIT_S = 2
MILLION = {"principals": 1_000_000, "groups": 10_000, "devices": 100_000}
SIGNED = 30_000  # requests in a round that sign or verify
SEEN_ONCE = 20_000  # tokens, far more than a thread remembers
REFRESHES = 5_000  # in a round …
REFRESHES_PLANNED = 6_000  # … and with those before it that warm up
REFRESH_CONNECTIONS = 64
HUNDRED_THOUSAND = {"principals": 100_000, "groups": 1_000, "devices": 10_000}


@dataclass
class Figure:
    id: str
    what: str
    figure: str
    limit: str
    ratio: str
    target: str
    met: bool | None  # None: there is no target


class Stores:
    """Each is made once in a run."""

    def __init__(self):
        self.made = {}

    def get(self, name, shape, draws=0):
        if name not in self.made:
            print(f"  making the store {name}", flush=True)
            self.made[name] = Store(name, shape, draws)
        return self.made[name]

    def million(self):
        return self.get("million", MILLION, PASS)


def against(figure_id, what, value, most, unit):
    """A figure against an absolute target."""
    return Figure(figure_id, what, f"{value:.4g} {unit}", f"{most:g} {unit}", f"{value / most:.2f}",
                  "≤ 1", value <= most)


def medians(results, key):
    return {name: median(r[key] for r in rounds) for name, rounds in results.items()}


def interleaved(servers, **load):
    """So many rounds of each in turn, so that what else the machine does hits them alike."""
    results = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            results[name].append(server.load(**load))
    return results


def evaluations(store, where="", database=None):
    plan = ["--plan", str(store.plan)]
    with empty_server() as empty, thingward(store, database) as ours:
        servers = {"empty": empty, "ours": ours}
        closed = interleaved(servers, requests=PASS, warmup=PASS, extra=plan, awake=True)
        offered = interleaved(servers, requests=3 * RATE, warmup=RATE, rate=RATE, extra=plan)
    cpu, rate = medians(closed, "cpu_us_per_request"), medians(closed, "per_second")
    late = medians(offered, "p99_us")
    more = cpu["ours"] - cpu["empty"]
    return [
        Figure("P1", f"server CPU of an evaluation{where} ({rate['ours']:,.0f}/s on one "
               f"thread; the empty handler {rate['empty']:,.0f}/s)", f"{cpu['ours']:.2f} µs",
               f"{cpu['empty']:.2f} µs", f"+{more:.2f} µs", "≤ +2.5 µs", more <= 2.5),
        Figure("P1", f"p99 of an evaluation{where} at {RATE:,}/s", f"{late['ours']:.0f} µs",
               f"{late['empty']:.0f} µs", f"{late['ours'] / late['empty']:.2f}", "≤ 2",
               late["ours"] <= 2 * late["empty"]),
    ]


def p1(stores):
    return evaluations(stores.get("hundred-thousand", HUNDRED_THOUSAND, PASS))


def p1_postgresql(stores):
    """The same store, moved over."""
    store = stores.get("hundred-thousand", HUNDRED_THOUSAND, PASS)
    with databases() as all_of_them:
        database = all_of_them.new()
        print("  moving the store over", flush=True)
        command("migrate", "--store", str(store.path), "--to", database)
        return evaluations(store, " on PostgreSQL", database)


def decide(stores):
    """P2 and P3 come from one run of one program."""
    if "decide" not in stores.made:
        store = stores.million()
        print("  loading a million principals", flush=True)
        stores.made["decide"] = run_json(
            [program("decide"), str(store.path), *(str(n) for n in MILLION.values())], 600)
    return stores.made["decide"]


def p2(stores):
    r = decide(stores)
    allocated = sum(m["allocations"] for m in r.values() if isinstance(m, dict))
    resolved, drawn, memory = r["views_resolved"], r["drawn"], r["memory"]["median_ns"]
    return [
        against("P2", "decision, views resolved: median", resolved["median_ns"], 150, "ns"),
        against("P2", "decision, views resolved: p99", resolved["p99_ns"], 1500, "ns"),
        against("P2", "decision and look-ups, principal and device drawn at random out of all: "
                f"median (one read of memory there: {memory:.0f} ns)", drawn["median_ns"], 600,
                "ns"),
        against("P2", "the same: p99", drawn["p99_ns"], 1500, "ns"),
        Figure("P2", "allocations in all of these decisions", str(allocated), "0", "", "0",
               allocated == 0),
    ]


def p3(stores):
    r = decide(stores)
    allowed = r["views_resolved"]["median_ns"]
    figures = []
    for what, name in (("no grant", "denied_no_grant"), ("a guardrail", "denied_guardrail")):
        denied = r[name]["median_ns"]
        figures.append(Figure(
            "P3", f"a denial by {what}, against an allowance", f"{denied:.0f} ns",
            f"{allowed:.0f} ns", f"{denied / allowed:.2f}", "≤ 1.2", denied <= 1.2 * allowed))
    worst = max(r[f"explained_{what}"]["median_ns"] for what in ("allowance", "denial", "no_grant"))
    figures.append(against("P3", "a decision with its explanation written, the slowest of three "
                           "kinds: median", worst / 1000, 3, "µs"))
    return figures


def start_ms(store):
    with thingward(store) as server:
        return server.started_s * 1000


def issuer_store(name, database=None):
    """A new store, and how to make an issuer in it."""
    store = Store(name)
    place = ["--database", database] if database else []
    return store, command("operator-key", "--store", str(store.path), *place, "--name", "bench")


def interleaved_with(servers, extra, **load):
    """Of each server its own arguments, in turn."""
    results = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            results[name].append(server.load(content=tokens.FORM, extra=extra[name], awake=True,
                                             **load))
    return medians(results, "cpu_us_per_request"), medians(results, "per_second")


def client_credentials(where="", database=None):
    store, operator = issuer_store("tokens", database)
    with thingward(store, database) as ours, empty_server("sign") as limit:
        issuer = tokens.Issuer(ours, operator)
        arguments = ["--header", f"Authorization: {issuer.basic}",
                     "--body", "grant_type=client_credentials"]
        cpu, rate = interleaved_with(
            {"limit": limit, "ours": ours},
            {"limit": arguments, "ours": [*arguments, "--path", f"{issuer.path}/token"]},
            requests=SIGNED, warmup=SIGNED // 10)
    ratio = cpu["ours"] / cpu["limit"]
    return [Figure("P4", f"server CPU of a token by client credentials{where} "
                   f"({rate['ours']:,.0f}/s on one thread)", f"{cpu['ours']:.2f} µs",
                   f"{cpu['limit']:.2f} µs", f"{ratio:.2f}", "≤ 1.15", ratio <= 1.15)]


def p4(_stores):
    return client_credentials()


def p4_postgresql(_stores):
    with databases() as all_of_them:
        return client_credentials(" on PostgreSQL", all_of_them.new())


def introspection_plan(issuer, path, texts):
    with open(path, "w", encoding="ascii") as plan:
        for text in texts:
            plan.write(f"{issuer.path}/introspect  token={text}\n")
    return ["--header", f"Authorization: {issuer.basic}", "--plan", str(path)]


def introspections(where="", database=None):
    store, operator = issuer_store("introspection", database)
    figures = []
    with (thingward(store, database) as ours, empty_server() as empty,
          empty_server("verify") as verify):
        issuer = tokens.Issuer(ours, operator)
        made = issuer.tokens(SEEN_ONCE)
        for what, limit, count, requests in (("warm", empty, 100, PASS),
                                             ("first sight", verify, SEEN_ONCE, SIGNED)):
            arguments = introspection_plan(issuer, store.plan, made[:count])
            _, rate = interleaved_with({"limit": limit, "ours": ours},
                                       {"limit": arguments, "ours": arguments},
                                       requests=requests, warmup=requests // 10)
            ratio = rate["ours"] / rate["limit"]
            figures.append(Figure("P5", f"introspections, {what}{where}", f"{rate['ours']:,.0f}/s",
                                  f"{rate['limit']:,.0f}/s", f"{ratio:.2f}", "≥ 0.8",
                                  ratio >= 0.8))
    return figures


def p5(_stores):
    return introspections()


def p5_postgresql(_stores):
    with databases() as all_of_them:
        return introspections(" on PostgreSQL", all_of_them.new())


def refreshes(engine, all_of_them=None):
    """Against the engine's own, in turn; what PostgreSQL has was made on SQLite and moved over."""
    store, operator = issuer_store("refresh")
    ours, bare = [], []
    with thingward(store) as server:
        issuer = tokens.Issuer(server, operator)
        user, app = issuer.user(server, store)
    made = tokens.plant_families(store, issuer, user, app, ROUNDS * REFRESHES_PLANNED)
    database = all_of_them.new() if all_of_them else None
    if database:
        command("migrate", "--store", str(store.path), "--to", database)
        all_of_them.analyze(database)
    with thingward(store, database) as server:
        for i in range(ROUNDS):
            tokens.refresh_plan(store.plan, issuer, app,
                                made[i * REFRESHES_PLANNED:(i + 1) * REFRESHES_PLANNED])
            ours.append(server.load(
                REFRESHES, REFRESHES_PLANNED - REFRESHES, connections=REFRESH_CONNECTIONS,
                content=tokens.FORM, extra=["--plan", str(store.plan), "--once"]))
            place = all_of_them.new() if all_of_them else str(Store(f"refresh-limit-{i}").path)
            bare.append(run_json(
                [program("refresh_limit"), place, str(REFRESHES_PLANNED), str(REFRESH_CONNECTIONS),
                 str(LIMIT_S)], 60, preexec_fn=on_core(cores()[0])))
    rate, most = median(r["per_second"] for r in ours), median(r["per_second"] for r in bare)
    late, cpu = median(r["p99_us"] for r in ours) / 1000, median(
        r["cpu_us_per_request"] for r in ours)
    return [Figure("P6", f"refreshes with rotation, {REFRESH_CONNECTIONS} connections, {engine} "
                   f"({cpu:.0f} µs of the server's CPU each, p99 {late:.0f} ms)", f"{rate:,.0f}/s",
                   f"{most:,.0f}/s", f"{rate / most:.2f}", "≥ 0.7", rate >= 0.7 * most)]


def p6(_stores):
    return refreshes("SQLite")


def p6_postgresql(_stores):
    with databases() as all_of_them:
        return refreshes("PostgreSQL", all_of_them)


def p7(stores):
    first = median(start_ms(Store("fresh")) for _ in range(2 * ROUNDS))
    store = Store("empty")
    start_ms(store)
    empty = median(start_ms(store) for _ in range(2 * ROUNDS))
    store = stores.million()
    start_ms(store)
    full = median(start_ms(store) for _ in range(2 * ROUNDS))
    return [
        against("P7", "start to first answer, empty store (the very first start, which makes store "
                f"and keys, takes {first:.0f} ms)", empty, 50, "ms"),
        against("P7", "start to first answer, 1,000,000 principals", full, 100, "ms"),
    ]


def p8(stores):
    with thingward(Store("fresh")) as server:
        idle = server.rss_mib()
    store = stores.million()
    with thingward(store) as server:
        server.load(requests=PASS, warmup=PASS, extra=["--plan", str(store.plan)])
        warm = server.rss_mib()
    return [
        against("P8", "resident memory, idle", idle, 20, "MiB"),
        against("P8", "resident memory, 1,000,000 principals, 100,000 warm", warm, 100, "MiB"),
    ]


def p10(stores):
    """The same numbers of principals, groups and devices, in few organisations and in many."""
    few = stores.get("few", {"orgs": 10, "principals": 10_000, "groups": 2_000, "devices": 10_000},
                     PASS)
    many = stores.get("many", {"orgs": 10_000, "principals": 10, "groups": 2, "devices": 10}, PASS)
    with thingward(few) as a, thingward(many) as b:
        decisions = {"few": [], "many": []}
        lists = {"few": [], "many": []}
        for _ in range(ROUNDS):
            for name, server, store in (("few", a, few), ("many", b, many)):
                decisions[name].append(
                    server.load(PASS, PASS, extra=["--plan", str(store.plan)], awake=True))
                lists[name].append(server.load(5_000, 500, awake=True, extra=[
                    "--method", "GET", "--path", f"/api/orgs/{store.org}/principals?limit=10",
                    "--header", f"Authorization: Bearer {store.key}"]))
    figures = []
    for what, results in (("an evaluation", decisions), ("a list of principals", lists)):
        cpu = medians(results, "cpu_us_per_request")
        ratio = cpu["many"] / cpu["few"]
        figures.append(Figure(
            "P10", f"server CPU of {what}, 10,000 organisations against 10",
            f"{cpu['many']:.2f} µs", f"{cpu['few']:.2f} µs", f"{ratio:.2f}", "≤ 1.1", ratio <= 1.1))
    return figures


def write_changes(server, store, operator, orgs):
    """A plan that makes groups, in each organisation in turn, each of another name."""
    places = []
    for i in range(orgs):
        made = server.post("/api/orgs", operator,
                           {"name": f"bench-{i}", "first_key": {"name": "bench"}})
        places.append(f"/api/orgs/{made['org']['id']}/groups {made['secret']}")
    with open(store.plan, "w", encoding="ascii") as plan:
        for i in range(ROUNDS * CHANGES_PLANNED):
            plan.write(f'{places[i % orgs]} {{"name":"group-{i:08}"}}\n')


def round_of_changes(server, store, number):
    """Its own part of the plan, in another file: nothing can be made twice."""
    part = store.plan.with_name("part")
    lines = store.plan.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[number * CHANGES_PLANNED:(number + 1) * CHANGES_PLANNED]))
    return server.load(CHANGES, CHANGES_PLANNED - CHANGES, extra=["--plan", str(part), "--once"])


def throughput(name, orgs, sessions, all_of_them=None):
    """Changes a second over the API against the engine's own, in turn."""
    store = Store(f"changes-{name}-{orgs}")
    database = all_of_them.new() if all_of_them else None
    place = ["--store", str(store.path), *(["--database", database] if database else [])]
    operator = command("operator-key", *place, "--name", "bench")
    ours, bare = [], []
    with thingward(store, database) as server:
        write_changes(server, store, operator, orgs)
        for i in range(ROUNDS):
            ours.append(round_of_changes(server, store, i))
            place = all_of_them.new() if all_of_them else str(Store(f"limit-{i}").path)
            limits = [orgs, CONNECTIONS // sessions, sessions, LIMIT_S]
            bare.append(run_json([program("change_limit"), place, *map(str, limits)], 60))
    rate, most = median(r["per_second"] for r in ours), median(r["changes_s"] for r in bare)
    late = median(r["p99_us"] for r in ours) / 1000
    where = "one organisation" if orgs == 1 else f"{orgs} organisations"
    return Figure("changes", f"a group made over the API, {where}, {name} (p99 {late:.0f} ms)",
                  f"{rate:,.0f}/s", f"{most:,.0f}/s", f"{rate / most:.2f}", "", None)


def changes(_stores):
    figures = [throughput("SQLite", orgs, 1) for orgs in (1, 100)]
    with databases() as all_of_them:
        return figures + [throughput("PostgreSQL", orgs, sessions, all_of_them)
                          for orgs, sessions in ((1, 1), (100, SESSIONS))]


ALL = {"P1": p1, "P1-postgresql": p1_postgresql, "P2": p2, "P3": p3, "P4": p4,
       "P4-postgresql": p4_postgresql, "P5": p5, "P5-postgresql": p5_postgresql, "P6": p6,
       "P6-postgresql": p6_postgresql, "P7": p7, "P8": p8, "P10": p10,
       "changes": changes}


def measure(name, stores):
    try:
        return ALL[name](stores)
    except Failed as problem:
        return [Figure(name, f"could not be measured: {problem}", "", "", "", "", False)]
