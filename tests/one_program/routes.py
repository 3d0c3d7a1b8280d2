"""The K shortest simple routes of an OD pair, ties with the K-th included."""

from __future__ import annotations

import heapq
import math

Link = tuple[int, int]
Route = tuple[int, ...]


def time_to(destination: int, time: dict[Link, float]) -> dict[int, float]:
    """Shortest time from every node that reaches `destination` (Dijkstra over the reversed links)."""
    arriving: dict[int, list[tuple[int, float]]] = {}
    for (tail, head), t in time.items():
        arriving.setdefault(head, []).append((tail, t))
    done: dict[int, float] = {}
    queue = [(0.0, destination)]
    while queue:
        t, node = heapq.heappop(queue)
        if node in done:
            continue
        done[node] = t
        for tail, link_time in arriving.get(node, []):
            heapq.heappush(queue, (t + link_time, tail))
    return done


def shortest_routes(origin: int, destination: int, time: dict[Link, float], k: int) -> list[Route]:
    """The `k` shortest simple routes and every further one as short as the k-th (within 1e-9 relative).

    Best-first search over simple partial routes, ordered by time so far plus the shortest time to go: that sum
    never falls as a partial route grows, so complete routes leave the queue in order of their time.
    """
    to_go = time_to(destination, time)
    leaving: dict[int, list[int]] = {}
    for tail, head in time:
        leaving.setdefault(tail, []).append(head)
    found: list[Route] = []
    longest = math.inf
    queue: list[tuple[float, float, Route]] = [(to_go.get(origin, math.inf), 0.0, (origin,))]
    while queue:
        bound, so_far, route = heapq.heappop(queue)
        if bound > longest * (1 + 1e-9):
            break
        if route[-1] == destination:
            found.append(route)
            if len(found) == k:
                longest = so_far
            continue
        for head in leaving.get(route[-1], []):
            if head not in route and head in to_go:
                t = so_far + time[route[-1], head]
                heapq.heappush(queue, (t + to_go[head], t, (*route, head)))
    return found
