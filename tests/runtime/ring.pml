/* SPDX-License-Identifier: MIT */
/*
 * A model of handing items over by rings with a sleeping consumer: runtime/ring.c (a slot that holds
 * nothing is free) and runtime/waiter.c (who finds `idle` set takes it back and counts the event).
 *
 * Two producers, a ring each, one consumer, one waiter. Memory is as x86 has it: each process's
 * plain stores wait in a queue of its own, which it reads through, and reach memory in their order at
 * any later time; a fence, and any read-modify-write, waits until the queue is empty.
 *
 * Checked: items come in their order, none is lost or doubled; no slot is overwritten before it was
 * emptied; nobody sleeps for ever (an invalid end state otherwise). With -DNO_FENCE notify goes
 * without its fence, and with -DLATE_VALUE prepare reads the count after it has set `idle`: the
 * verifier must find a lost wake-up in both.
 */

#define PRODUCERS 2
#define SLOTS     2
#define ITEMS     3
#define CONSUMER  2 /* its number among the processes with a store queue */
#define CPUS      3
#define IDLE      4 /* its address, behind PRODUCERS * SLOTS slots */
#define CELLS     5

byte memory[CELLS];
chan queue_0 = [3] of { byte, byte };
chan queue_1 = [3] of { byte, byte };
chan queue_2 = [8] of { byte, byte };
byte pending[CPUS * CELLS]; /* stores of a process to a cell that are still in its queue */
byte newest[CPUS * CELLS];  /* what the last of them stores */
byte queued[CPUS];

byte events;
bool asleep;   /* the flag in the count: a system call is needed */
bool in_futex; /* the kernel keeps the consumer until somebody wakes it */

#define READ(cpu, cell) (pending[(cpu) * CELLS + (cell)] -> newest[(cpu) * CELLS + (cell)] : memory[cell])
#define SETTLED(cpu)    (queued[cpu] == 0)

inline store(cpu, queue, cell, value)
{
	atomic {
		queue!cell, value;
		pending[(cpu) * CELLS + (cell)]++;
		newest[(cpu) * CELLS + (cell)] = value;
		queued[cpu]++
	}
}

/* One process a queue: stores reach memory when it pleases. */
proctype drain(byte cpu; chan queue)
{
	byte cell, value;
end:
	do
	:: atomic {
		queue?cell, value;
		/* A slot is filled only when empty, and emptied only when filled. */
		assert(cell == IDLE || (value == 0) != (memory[cell] == 0));
		memory[cell] = value;
		pending[cpu * CELLS + cell]--;
		queued[cpu]--;
		cell = 0;
		value = 0
	}
	od
}

inline notify(cpu)
{
#ifndef NO_FENCE
	SETTLED(cpu);
#endif
	if
	:: READ(cpu, IDLE) == 0
	:: else ->
		/* The exchange. */
		atomic {
			SETTLED(cpu);
			taken = memory[IDLE];
			memory[IDLE] = 0
		}
		if
		:: taken == 0
		:: else ->
			atomic {
				SETTLED(cpu);
				events++;
				taken = asleep;
				asleep = false
			}
			if
			:: taken -> in_futex = false
			:: else
			fi
		fi
	fi
}

proctype producer(byte cpu; chan queue)
{
	byte pushed, taken;

	do
	:: pushed == ITEMS -> break
	:: else ->
		/* Full: it tries again later. */
		READ(cpu, cpu * SLOTS + pushed % SLOTS) == 0;
		store(cpu, queue, cpu * SLOTS + pushed % SLOTS, pushed + 1);
		pushed++;
		notify(cpu)
	od
}

inline look(ring)
{
	do
	:: atomic { READ(CONSUMER, ring * SLOTS + popped[ring] % SLOTS) != 0 ->
		item = READ(CONSUMER, ring * SLOTS + popped[ring] % SLOTS) };
		assert(item == popped[ring] + 1);
		store(CONSUMER, queue_2, ring * SLOTS + popped[ring] % SLOTS, 0);
		popped[ring]++;
		found = true
	:: READ(CONSUMER, ring * SLOTS + popped[ring] % SLOTS) == 0 -> break
	od
}

proctype consumer()
{
	byte popped[PRODUCERS];
	byte value, item;
	bool found;

	do
	:: popped[0] + popped[1] == PRODUCERS * ITEMS -> break
	:: else ->
#ifndef LATE_VALUE
		value = events;
#endif
		store(CONSUMER, queue_2, IDLE, 1);
		SETTLED(CONSUMER);
#ifdef LATE_VALUE
		value = events;
#endif
		found = false;
		look(0);
		look(1);
		if
		:: found
		:: else ->
			if
			:: atomic { events == value && SETTLED(CONSUMER) -> asleep = true };
				/* The kernel looks at the count once more, then waits. */
				if
				:: atomic { events == value -> in_futex = true };
					!in_futex
				:: events != value
				fi
			:: events != value
			fi
		fi
	od
}

init
{
	atomic {
		run drain(0, queue_0);
		run drain(1, queue_1);
		run drain(2, queue_2);
		run producer(0, queue_0);
		run producer(1, queue_1);
		run consumer()
	}
}
