/* SPDX-License-Identifier: MIT */

/* Registers the C benchmarks with Google Benchmark, and puts into the output where it was made. */

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/utsname.h>

#include "bench/bench.h"
#include "revision.h"
#include "runtime/api.h"
#include "runtime/topology.h"

struct bench_run {
	benchmark::State *state;
	int64_t argument;
	uint64_t done;
};

namespace
{

std::vector<sw_place> places;

/* Where benchmarks may be pinned, and the machine's name: read once, before anything is pinned. */
std::string read_machine()
{
	sw_topology *topology = nullptr;
	std::string model = "unknown";
	unsigned workers = 0;

	if (sw_topology_open(&topology, nullptr) != 0)
		return model;
	model = sw_topology_cpu_model(topology);
	places.resize(SW_WORKERS_MAX);
	if (sw_topology_place(topology, "auto", &workers, places.data(), nullptr) != 0)
		workers = 0;
	places.resize(workers);
	sw_topology_close(topology);
	return model;
}

std::string pinning()
{
	std::string text;

	for (const sw_place &place : places)
		text += (text.empty() ? "" : ",") + std::to_string(place.cpu);
	return text.empty() ? "none" : text;
}

void run_case(benchmark::State &state, const bench_case *bench)
{
	bench_run run = { &state, bench->argument, 0 };

	bench->run(&run);
}

void register_cases(const bench_case *bench)
{
	for (; bench->name; bench++) {
		std::string name = bench->name;
		benchmark::internal::Benchmark *made;

		if (bench->argument)
			name += "/" + std::to_string(bench->argument);
		if (bench->can_run && !bench->can_run(bench->argument)) {
			std::fprintf(stderr,
				"bench: %s is left out: this processor has not got what it takes\n",
				name.c_str());
			continue;
		}
		made = benchmark::RegisterBenchmark(name.c_str(), run_case, bench);
		if (bench->wall)
			made->UseRealTime();
		if (bench->manual)
			made->UseManualTime();
	}
}

} // namespace

extern "C" {

bool bench_more(bench_run *run, uint64_t iterations)
{
	if (!run->state->KeepRunningBatch(static_cast<int64_t>(iterations)))
		return false;
	run->done += iterations;
	return true;
}

uint64_t bench_done(const bench_run *run)
{
	return run->done;
}

int64_t bench_argument(const bench_run *run)
{
	return run->argument;
}

void bench_round_seconds(bench_run *run, double seconds)
{
	run->state->SetIterationTime(seconds);
}

void bench_pause(bench_run *run)
{
	run->state->PauseTiming();
}

void bench_resume(bench_run *run)
{
	run->state->ResumeTiming();
}

void bench_items(bench_run *run, uint64_t items)
{
	run->state->SetItemsProcessed(static_cast<int64_t>(items));
}

void bench_bytes(bench_run *run, uint64_t bytes)
{
	run->state->SetBytesProcessed(static_cast<int64_t>(bytes));
}

void bench_counter(bench_run *run, const char *name, double value)
{
	run->state->counters[name] = value;
}

void bench_label(bench_run *run, const char *text)
{
	run->state->SetLabel(text);
}

void bench_fail(bench_run *run, const char *why)
{
	run->state->SkipWithError(why);
}

bool bench_pin(unsigned i)
{
	return !places.empty() && sw_topology_bind_self(&places[i % places.size()]) == 0;
}

unsigned bench_cores(void)
{
	return places.empty() ? 1 : static_cast<unsigned>(places.size());
}

} // extern "C"

int main(int argc, char **argv)
{
	std::string model = read_machine();
	utsname system = {};

	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 2;
	uname(&system);
	benchmark::AddCustomContext("spillway", sw_version());
	benchmark::AddCustomContext("revision", SW_REVISION);
	benchmark::AddCustomContext("cpu", model);
	benchmark::AddCustomContext("pinning", pinning());
	benchmark::AddCustomContext("compiler", SW_COMPILER);
	benchmark::AddCustomContext("flags", SW_FLAGS);
	benchmark::AddCustomContext("kernel", system.release);
	bench_pin(0);
	register_cases(bench_ring_cases);
	register_cases(bench_handover_cases);
	register_cases(bench_kernels_cases);
	register_cases(bench_wire_cases);
	register_cases(bench_generator_cases);
	benchmark::RunSpecifiedBenchmarks();
	benchmark::Shutdown();
	return 0;
}
