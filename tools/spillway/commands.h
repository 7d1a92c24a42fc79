/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_COMMANDS_H
#define SW_TOOLS_SPILLWAY_COMMANDS_H

/* The commands. argv[0] is the command's name; each returns an exit code. */

int cmd_run(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_nexmark(int argc, char **argv);
int cmd_topology(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_experiments(int argc, char **argv);
int cmd_checksum(int argc, char **argv);
int cmd_queries(int argc, char **argv);

/* argv as one line, quoted as a shell wants it; the whole of the process, for reports. The
 * caller frees it; null: memory is out. */
char *command_text(void);

#endif
