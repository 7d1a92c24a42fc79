# SPDX-License-Identifier: MIT
"""The pattern queries over the bids of one (auction, bidder), in the order of time, then seq.

Each matcher gives the columns that follow auction and bidder. They go by indices into the list
of bids, as one would with a finger on the paper.
"""

import collections

Bid = collections.namedtuple("Bid", "time price")


def falling_price(bids):
    """cep0: a start, two or more falling, one above the last but one of those."""
    start = 0
    while start < len(bids):
        last = start
        while last + 1 < len(bids) and bids[last + 1].price < bids[last].price:
            last += 1
        rise = last + 1
        falling = last - start
        if falling >= 2 and rise < len(bids) and bids[rise].price > bids[last - 1].price:
            yield bids[start].time, bids[last].time, bids[rise].time
            start = rise
        else:
            start += 1


def average(total, count):
    """Truncated, towards zero also where prices are negative."""
    return total // count if total >= 0 else -(-total // count)


def cheap_period(bids, overlapping):
    """cep1 and cep2: as long as the run's truncated average stays below 10,000."""
    start = 0
    while start < len(bids):
        if bids[start].price >= 10000:
            start += 1
            continue
        total, end = bids[start].price, start + 1
        while end < len(bids) and average(total + bids[end].price, end + 1 - start) < 10000:
            total += bids[end].price
            end += 1
        if end == len(bids):
            return
        yield bids[start].time, bids[end - 1].time, average(total, end - start)
        start = start + 1 if overlapping else end + 1


def price_drop(bids):
    """cep3: A, any number of bids above A - 50, one below it, all in less than 5 s."""
    start = 0
    while start < len(bids):
        floor, end_time = bids[start].price - 50, bids[start].time + 5000
        at = start + 1
        while at < len(bids) and bids[at].time < end_time and bids[at].price > floor:
            at += 1
        if at < len(bids) and bids[at].time < end_time and bids[at].price < floor:
            yield bids[at].time, bids[start].price - bids[at].price
            start = at + 1
        else:
            start += 1


PATTERNS = {
    "cep0": ("auction,bidder,start_tstamp,bottom_tstamp,end_tstamp", falling_price),
    "cep1": ("auction,bidder,start_tstamp,end_tstamp,avg_price",
             lambda bids: cheap_period(bids, False)),
    "cep2": ("auction,bidder,start_tstamp,end_tstamp,avg_price",
             lambda bids: cheap_period(bids, True)),
    "cep3": ("auction,bidder,drop_time,drop_diff", price_drop),
}
