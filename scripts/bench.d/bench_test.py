#!/usr/bin/python3 -B
"""Tests of what scripts/bench is made of. t/bench.t runs them."""

import io
import json
import os
import subprocess
import unittest
from collections import Counter
from pathlib import Path

from case_scale import Point, merged
from compare import Row
from load import Request, read_steady, read_summary
from machine import BenchError, spawn
from memory import Heap, read_snapshot
from network import Network, ip, links, namespaces, remove_namespace
from redis_server import CLUSTER_SLOTS, Cluster, Redis, RedisError, read_reply
from scale_chart import script


class Server:
    name = "it"


def summary(requests, **errors):
    counts = dict.fromkeys(("connect", "read", "write", "timeout", "status", "not good"), 0)
    counts.update(errors)
    return "noise\nSUMMARY " + json.dumps({"requests": requests, "errors": counts})


class Answers(unittest.TestCase):
    def check(self, output, refused="none"):
        return read_summary(Server, Request(refused=refused), output)

    def test_all_good(self):
        self.assertEqual(self.check(summary(10))["requests"], 10)

    def test_one_refused(self):
        with self.assertRaisesRegex(BenchError, r"it: 10 requests, failures: \{'status': 1\}"):
            self.check(summary(10, status=1))

    def test_flood(self):
        self.check(summary(10, status=10), "all")
        with self.assertRaisesRegex(BenchError, r"\{'not refused': 1\}"):
            self.check(summary(10, status=9), "all")

    def test_some_refused(self):
        self.check(summary(10, status=4), "some")
        with self.assertRaisesRegex(BenchError, r"\{'not good': 1\}"):
            self.check(summary(10, **{"status": 4, "not good": 1}), "some")

    def test_whatever_is_refused_a_timeout_is_a_failure(self):
        for refused in ("none", "all", "some"):
            with self.assertRaisesRegex(BenchError, "timeout"):
                self.check(summary(10, timeout=1, status=10), refused)

    def test_no_requests_and_no_summary(self):
        with self.assertRaisesRegex(BenchError, "0 requests"):
            self.check(summary(0))
        with self.assertRaisesRegex(BenchError, "no summary"):
            self.check("")

    def test_steady(self):
        def said(**figures):
            return json.dumps({"requests": 10, "bad": 0, "late99": 40, **figures})
        self.assertEqual(read_steady(Server, said())["requests"], 10)
        for complaint, figures in (("it: 10 requests, 1 failures", {"bad": 1}),
                                   ("it: 0 requests", {"requests": 0})):
            with self.assertRaisesRegex(BenchError, complaint):
                read_steady(Server, said(**figures))

    def test_statuses(self):
        for refused, good in (("none", [200, 204]), ("some", [200, 204, 429]), ("all", [429])):
            request = Request(refused=refused)
            found = [s for s in (200, 204, 301, 404, 429, 503) if request.is_good(s)]
            self.assertEqual(found, good, refused)


class Figures(unittest.TestCase):
    def test_targets(self):
        def met(target, ratio, ours=0.0):
            return Row("case", "unit", ours, 1, "peer", ratio, target).met()
        self.assertIsNone(met("", 1))
        self.assertTrue(met(">= 0.9", 0.9))
        self.assertFalse(met(">= 0.9", 0.89))
        self.assertTrue(met("<= 1.3", 1.3))
        self.assertFalse(met("<= 1.3", 1.31))
        self.assertTrue(met("<= 1 ours", 9, ours=0.9))
        self.assertFalse(met("<= 1 ours", 0, ours=1.1))

    def test_loads_of_several_nginx_are_one(self):
        load = merged([
            {"requests": 3, "refused": 1, "first": 10.0, "last": 12.0, "latencies": [[5, 2], [9, 1]]},
            {"requests": 2, "refused": 0, "first": 9.5, "last": 11.0, "latencies": [[5, 1], [7, 1]]}])
        self.assertEqual((load.requests, load.admitted, load.span), (5, 4, 2.5))
        self.assertEqual(load.latencies, Counter({5: 3, 7: 1, 9: 1}))
        self.assertEqual([load.quantile(q) for q in (0.5, 0.6, 0.8, 0.99)], [5, 5, 7, 9])
        self.assertEqual(load.allowed(), 10 * (10 + 100 * 2.5))

    def test_differences_are_those_of_the_rounds(self):
        point = Point(2, "one Redis", "strict", admitted=[90, 300, 99], allowed=[100, 100, 100],
                      with_p50=[10, 200, 30], none_p50=[1, 2, 3])
        self.assertEqual((point.share(), point.added("p50")), (0.99, 27))

    def test_chart(self):
        points = [Point(size, "one Redis", sync, [1], [99], [100], [1], [0.5], [3], [2], [9], [4])
                  for sync in ("strict", "100ms") for size in (1, 2)]
        text = script(points, "/tmp/it.png")
        self.assertIn("$series0 << END\n1 0.99 0.5 1 5\n2 0.99 0.5 1 5\nEND", text)
        self.assertIn("$series1 using 1:5 with linespoints lw 2 pt 5 lc 2 notitle", text)
        self.assertIn("title 'one Redis, 100ms'", text)


class Massif(unittest.TestCase):
    TEXT = """snapshot=0
heap_tree=detailed
n3: 700 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.
 n1: 400 0x1: ngx_alloc (in /usr/sbin/nginx)
  n0: 400 0x2: ngx_create_pool (in /usr/sbin/nginx)
 n0: 100 0x3: ngx_memalign (in /usr/sbin/nginx)
 n1: 200 0x4: grow (ring.h:90)
  n0: 200 0x5: ngx_alloc_like (it.cpp:1)
"""

    def test_who_asked(self):
        heap = read_snapshot(self.TEXT)
        self.assertEqual(heap, Heap(pools=500, own=200))
        self.assertEqual(heap - Heap(100, 50), Heap(400, 150))

    def test_what_does_not_add_up(self):
        with self.assertRaisesRegex(BenchError, "massif counts 701"):
            read_snapshot(self.TEXT.replace(" 700 ", " 701 "))
        with self.assertRaisesRegex(BenchError, "no detailed snapshot"):
            read_snapshot("heap_tree=empty\n")


class Replies(unittest.TestCase):
    def test_all_kinds(self):
        text = b"*5\r\n:7\r\n$3\r\na\r\n\r\n$-1\r\n+OK\r\n*-1\r\n"
        self.assertEqual(read_reply(io.BytesIO(text)), [7, "a\r\n", None, "OK", None])

    def test_errors(self):
        for text, complaint in ((b"-ERR no\r\n", "Redis says: ERR no"), (b"", "closed"),
                                (b"HTTP/1.1\r\n", "no RESP2")):
            with self.assertRaisesRegex(RedisError, complaint):
                read_reply(io.BytesIO(text))


class Servers(unittest.TestCase):
    def test_redis(self):
        with Redis() as redis:
            self.assertEqual(redis.run("SET", "a", "1"), "OK")
            self.assertEqual(redis.calls(), 0)
            # What a script calls is no command of nginx.
            redis.run("EVAL", "return redis.call('INCR', KEYS[1])", 1, "a")
            self.assertEqual((redis.run("GET", "a"), redis.calls()), ("2", 1))
            process = redis.process
            redis.pause()
        self.assertIsNotNone(process.poll(), "a paused one ends as well")
        self.assertFalse(redis.socket.exists())

    def test_cluster(self):
        # An address that is this process's alone: all of 127.0.0.0/8 is this machine.
        pid = os.getpid()
        address, ports = f"127.{pid >> 16 & 63 | 64}.{pid >> 8 & 255}.{pid & 255}", [7001, 7002, 7003]
        with Cluster(address, ports) as cluster:
            slots = cluster.nodes[2].run("CLUSTER", "SLOTS")
            found = sorted((first, last, master[1]) for first, last, master in slots)
            self.assertEqual([port for *_, port in found], ports)
            self.assertEqual((found[0][0], found[2][1]), (0, CLUSTER_SLOTS - 1))
            self.assertEqual(cluster.url(), "redis+cluster://" + ",".join(
                f"{address}:{port}" for port in ports))


def may_have_namespaces():
    name = f"guard-bench-{os.getpid()}-try"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True)
    if done.returncode == 0:
        subprocess.run(["ip", "netns", "del", name])
    return done.returncode == 0


@unittest.skipUnless(may_have_namespaces(), "needs network namespaces")
class Namespaces(unittest.TestCase):
    def own(self):
        own = str(os.getpid())
        return [name for name in namespaces() + links() if own in name]

    def test_they_reach_each_other_and_go(self):
        with Network(2) as network:
            (first, _), (_, address) = network.hosts
            self.assertEqual(len(self.own()), 2 + 1 + 2)
            done = subprocess.run(["ip", "netns", "exec", first, "ip", "route", "get", address],
                                  capture_output=True, text=True)
            self.assertIn("dev eth0", done.stdout)
            hanging = spawn(["ip", "netns", "exec", first, "sleep", "600"])
            while not Path(f"/proc/{hanging.pid}/cmdline").read_text().startswith("sleep"):
                pass
        self.assertEqual(self.own(), [])
        self.assertEqual(hanging.wait(10), -9, "what runs in one ends with it")

    def test_a_failure_leaves_nothing(self):
        with self.assertRaisesRegex(BenchError, "it fails"):
            with Network(1):
                raise BenchError("it fails")
        self.assertEqual(self.own(), [])

    def test_what_a_killed_bench_has_left_goes(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        name = f"guard-bench-{gone.pid}-0"
        ip("netns", "add", name)
        self.addCleanup(remove_namespace, name)
        ip("link", "add", f"gb{gone.pid}", "type", "bridge")
        with Network(0):
            self.assertNotIn(name, namespaces())
            self.assertNotIn(f"gb{gone.pid}", links())


if __name__ == "__main__":
    unittest.main()
