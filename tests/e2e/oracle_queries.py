# SPDX-License-Identifier: MIT
"""The queries in SQLite's SQL; the names of the output's columns are the results' header.

thousandths(n), part_of(text, separator, index), channel_id_of(url) and down_to(time, step) are
functions of oracle.py; so are average(n) and sum_of(n), which are exact where SQLite's own give up
when a sum on the way is over 64 bits. Division truncates toward zero, as the queries do.
"""

SCHEMA = """
CREATE TABLE person (seq INTEGER PRIMARY KEY, id INTEGER, name TEXT, emailAddress TEXT,
    creditCard TEXT, city TEXT, state TEXT, dateTime INTEGER, extra TEXT, late INTEGER);
CREATE TABLE auction (seq INTEGER PRIMARY KEY, id INTEGER, itemName TEXT, description TEXT,
    initialBid INTEGER, reserve INTEGER, dateTime INTEGER, expires INTEGER, seller INTEGER,
    category INTEGER, extra TEXT, late INTEGER);
CREATE TABLE bid (seq INTEGER PRIMARY KEY, auction INTEGER, bidder INTEGER, price INTEGER,
    channel TEXT, url TEXT, dateTime INTEGER, extra TEXT, late INTEGER);
CREATE TABLE side (key INTEGER, value TEXT);
CREATE INDEX person_id ON person (id);
CREATE INDEX auction_id ON auction (id);
CREATE INDEX auction_seller ON auction (seller);
CREATE INDEX bid_auction ON bid (auction, dateTime);
CREATE INDEX bid_bidder ON bid (bidder);
CREATE INDEX side_key ON side (key);

-- For each auction that has one, its winning bid.
CREATE VIEW winning AS
SELECT * FROM (
    SELECT a.id, a.itemName, a.description, a.initialBid, a.reserve, a.dateTime, a.expires,
        a.seller, a.category, a.extra, b.auction, b.bidder, b.price, b.dateTime AS bid_dateTime,
        b.extra AS bid_extra,
        row_number() OVER (PARTITION BY a.id
            ORDER BY b.price DESC, b.dateTime, b.seq, a.seq) AS place
    FROM auction a JOIN bid b
        ON b.auction = a.id AND b.dateTime BETWEEN a.dateTime AND a.expires)
WHERE place = 1;

-- Bids with what statistics by day ask of them.
CREATE VIEW dated_bid AS
SELECT *, strftime('%Y-%m-%d', down_to(dateTime, 1000) / 1000, 'unixepoch') AS day,
    strftime('%H:%M', down_to(dateTime, 1000) / 1000, 'unixepoch') AS minute,
    CASE WHEN price < 10000 THEN 1 WHEN price < 1000000 THEN 2 ELSE 3 END AS rank
FROM bid;
"""

STATISTICS = ",\n".join(
    f"    count({distinct}{column}) AS total_{name},\n" + ",\n".join(
        f"    count({distinct}CASE rank WHEN {rank} THEN {column} END) AS rank{rank}_{name}"
        for rank in [1, 2, 3])
    for name, distinct, column in [("bids", "", "seq"), ("bidders", "DISTINCT ", "bidder"),
                                   ("auctions", "DISTINCT ", "auction")])

QUERIES = {
    "q0": "SELECT auction, bidder, price, dateTime, extra FROM bid",

    "q1": """
SELECT auction, bidder, thousandths(price * 908) AS price, dateTime, extra FROM bid""",

    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0",

    "q3": """
SELECT p.name, p.city, p.state, a.id
FROM auction a JOIN person p ON p.id = a.seller
WHERE a.category = 10 AND p.state IN ('OR', 'ID', 'CA')""",

    "q4": """
SELECT category AS id, average(highest) AS final FROM (
    SELECT a.category, max(b.price) AS highest
    FROM auction a JOIN bid b
        ON b.auction = a.id AND b.dateTime BETWEEN a.dateTime AND a.expires
    GROUP BY a.id, a.category)
GROUP BY category""",

    "q5": """
WITH hop (back) AS (VALUES (0), (2000), (4000), (6000), (8000)),
counted AS (
    SELECT auction, count(*) AS num, down_to(dateTime, 2000) - back AS starttime
    FROM bid, hop WHERE NOT late GROUP BY auction, starttime),
highest AS (SELECT starttime, max(num) AS num FROM counted GROUP BY starttime)
SELECT auction, num, starttime, starttime + 10000 AS endtime
FROM counted JOIN highest USING (starttime, num)""",

    "q6": """
SELECT auction, seller, average(price) OVER latest AS avg_price FROM winning
WINDOW latest AS (PARTITION BY seller ORDER BY expires, id
    ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)""",

    "q7": """
WITH highest AS (
    SELECT down_to(dateTime, 10000) AS start, max(price) AS price
    FROM bid WHERE NOT late GROUP BY start)
SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
FROM bid b JOIN highest h
    ON b.price = h.price AND b.dateTime BETWEEN h.start AND h.start + 10000
WHERE NOT b.late""",

    "q8": """
SELECT DISTINCT p.id, p.name, down_to(p.dateTime, 10000) AS starttime
FROM person p JOIN auction a
    ON a.seller = p.id AND down_to(a.dateTime, 10000) = down_to(p.dateTime, 10000)
WHERE NOT p.late AND NOT a.late""",

    "q9": """
SELECT id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra,
    auction, bidder, price, bid_dateTime, bid_extra
FROM winning""",

    "q10": "SELECT auction, bidder, price, dateTime, extra FROM bid WHERE NOT late",

    "q11": """
WITH told AS (
    SELECT bidder, dateTime,
        dateTime - lag(dateTime) OVER (PARTITION BY bidder ORDER BY dateTime) <= 10000 AS joins
    FROM bid WHERE NOT late),
numbered AS (
    SELECT bidder, dateTime, sum(joins IS NOT TRUE) OVER (
        PARTITION BY bidder ORDER BY dateTime ROWS UNBOUNDED PRECEDING) AS session
    FROM told)
SELECT bidder, count(*) AS bid_count, min(dateTime) AS starttime, max(dateTime) + 10000 AS endtime
FROM numbered GROUP BY bidder, session""",

    "q12": """
SELECT bidder, count(*) AS bid_count, down_to(dateTime, 10000) AS starttime,
    down_to(dateTime, 10000) + 10000 AS endtime
FROM bid WHERE NOT late GROUP BY bidder, starttime""",

    "q13": """
SELECT b.auction, b.bidder, b.price, b.dateTime, s.value
FROM bid b JOIN side s ON s.key = b.auction % 10000""",

    "q14": """
WITH timed AS (SELECT *, down_to(dateTime, 3600000) / 3600000 AS hours FROM bid),
hourly AS (SELECT *, (hours % 24 + 24) % 24 AS hour FROM timed)
SELECT auction, bidder, thousandths(price * 908) AS price,
    CASE WHEN hour BETWEEN 8 AND 18 THEN 'dayTime'
        WHEN hour <= 6 OR hour >= 20 THEN 'nightTime'
        ELSE 'otherTime' END AS bidTimeType,
    dateTime, extra, length(extra) - length(replace(extra, 'c', '')) AS c_counts
FROM hourly WHERE price * 908 > 1000000000 AND price * 908 < 50000000000""",

    "q15": f"SELECT day,\n{STATISTICS}\nFROM dated_bid GROUP BY day",

    "q16": f"""
SELECT channel, day, max(minute) AS minute,\n{STATISTICS}\nFROM dated_bid GROUP BY channel, day""",

    "q17": """
SELECT auction, day, count(*) AS total_bids, sum(rank = 1) AS rank1_bids,
    sum(rank = 2) AS rank2_bids, sum(rank = 3) AS rank3_bids, min(price) AS min_price,
    max(price) AS max_price, average(price) AS avg_price, sum_of(price) AS sum_price
FROM dated_bid GROUP BY auction, day""",

    "q18": """
SELECT auction, bidder, price, channel, url, dateTime, extra FROM (
    SELECT *, row_number() OVER (
        PARTITION BY bidder, auction ORDER BY dateTime DESC, seq DESC) AS place
    FROM bid)
WHERE place = 1""",

    "q19": """
SELECT * FROM (
    SELECT auction, bidder, price, channel, url, dateTime, extra,
        row_number() OVER (PARTITION BY auction ORDER BY price DESC, seq) AS rank_number
    FROM bid)
WHERE rank_number <= 10""",

    "q20": """
SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.dateTime AS bid_dateTime,
    b.extra AS bid_extra, a.itemName, a.description, a.initialBid, a.reserve,
    a.dateTime AS auction_dateTime, a.expires, a.seller, a.category, a.extra AS auction_extra
FROM bid b JOIN auction a ON a.id = b.auction
WHERE a.category = 10""",

    "q21": """
SELECT * FROM (
    SELECT auction, bidder, price, channel,
        CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
            WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3' ELSE channel_id_of(url)
        END AS channel_id
    FROM bid)
WHERE channel_id IS NOT NULL""",

    "q22": """
SELECT auction, bidder, price, channel, part_of(url, '/', 3) AS dir1,
    part_of(url, '/', 4) AS dir2, part_of(url, '/', 5) AS dir3
FROM bid""",

    "q23": """
SELECT b.bidder, b.price, b.channel, b.url, b.extra AS bid_extra, p.id AS person_id, p.name,
    p.emailAddress, p.creditCard, p.city, p.state, p.extra AS person_extra, a.itemName,
    a.description, a.initialBid, a.reserve, a.dateTime AS auction_dateTime, a.expires, a.seller,
    a.category, a.extra AS auction_extra
FROM bid b JOIN person p ON p.id = b.bidder JOIN auction a ON a.seller = p.id""",
}
