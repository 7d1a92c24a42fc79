/* SPDX-License-Identifier: MIT */
/*
 * The ledger of spilled batches (burst/ledger.c, burst/outlet.c, burst/io.c): one slot, used USES times
 * by a producer, an I/O thread that sends each use twice (a hedge), and a consumer that may take it
 * back at any time. Answers come in any order, late, or not at all.
 *
 * Checked: every use comes back to the consumer exactly once; nobody has the batch while it is
 * encoded; an answer is adopted only by the use that it answers; nothing hangs.
 *
 * -DNO_GENERATION: words carry no generation. -DRECLAIM_ENCODING: the consumer may take back what is
 * being encoded. Both are mistakes that must be found.
 */
#define USES     2
#define REQUESTS 4 /* two a use */

#define FREE      0
#define QUEUED    1
#define ENCODING  2
#define PENDING   3
#define DONE      4
#define RECLAIMED 5

byte state = FREE;
byte generation = 0;

chan idle = [1] of { bit };
chan announced = [USES] of { bit };
chan spill = [USES] of { bit };
chan decided = [1] of { bit };

bool reading = false;    /* the I/O thread reads the batch */
byte came_back = 0;

bool live[REQUESTS];
byte for_use[REQUESTS];

#ifdef NO_GENERATION
#define IS_USE(g) true
#else
#define IS_USE(g) (generation == g)
#endif

proctype producer()
{
	byte uses = 0;

	do
	:: uses < USES ->
		idle ? _;
		assert(!reading); /* fills the slot with the next batch */
		atomic { generation++; state = QUEUED };
		announced ! 0;
		spill ! 0;
		uses++
	:: else -> break
	od
}

inline send_both()
{
	d_step {
		live[made] = true;
		for_use[made] = mine;
		live[made + 1] = true;
		for_use[made + 1] = mine;
		made = made + 2
	}
}

inline end_request(r)
{
	if
	:: /* a good answer: adopt */
		atomic {
			won = (state == PENDING && IS_USE(for_use[r]));
			if
			:: won ->
				state = DONE;
				assert(generation == for_use[r])
			:: else
			fi
		};
		live[r] = false
	:: /* a failure, the last of its use: give up */
		live[r] = false;
		won = false;
		if
		:: !live[(r / 2) * 2] && !live[(r / 2) * 2 + 1] ->
			atomic {
				won = (state == PENDING && IS_USE(for_use[r]));
				if
				:: won -> state = RECLAIMED
				:: else
				fi
			}
		:: else
		fi
	fi;
	if
	:: won -> decided ! 0
	:: else
	fi
}

proctype io()
{
	byte mine = 0, made = 0;
	bool won = false, taken = false;

	do
	:: spill ? _ ->
		atomic {
			taken = (state == QUEUED);
			if
			:: taken -> state = ENCODING; mine = generation
			:: else
			fi
		};
		if
		:: taken ->
			reading = true;
			reading = false;
#ifdef RECLAIM_ENCODING
			atomic {
				if
				:: state == ENCODING && generation == mine -> state = PENDING
				:: else
				fi
			};
#else
			assert(state == ENCODING && generation == mine);
			state = PENDING;
#endif
			send_both()
		:: else
		fi
	:: live[0] -> end_request(0)
	:: live[1] -> end_request(1)
	:: live[2] -> end_request(2)
	:: live[3] -> end_request(3)
	:: came_back == USES && empty(spill) && !live[0] && !live[1] && !live[2] && !live[3] -> break
	od
}

inline hand_back()
{
	assert(!reading);
	came_back++;
	out = false;
	state = FREE;
	idle ! 0
}

proctype consumer()
{
	bool out = false, mine = false;

	do
	:: announced ? _ -> assert(!out); out = true
	:: decided ? _ ->
		if
		:: !out -> announced ? _; out = true
		:: else
		fi;
		assert(state == DONE || state == RECLAIMED);
		hand_back()
	:: out ->
		atomic {
#ifdef RECLAIM_ENCODING
			mine = (state == QUEUED || state == PENDING || state == ENCODING);
#else
			mine = (state == QUEUED || state == PENDING);
#endif
			if
			:: mine -> state = RECLAIMED
			:: else
			fi
		};
		if
		:: mine -> hand_back()
		:: else
		fi
	:: came_back == USES && empty(decided) -> break
	od;
	assert(came_back == USES && generation == USES)
}

init
{
	atomic {
		idle ! 0;
		run producer();
		run io();
		run consumer()
	}
}
