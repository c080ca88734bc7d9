// The system calls that Swift can't make by itself. No policy: each function is one call, or one sequence that must
// not be interrupted. Every function returns a non-negative result or a negated errno; none touches the caller's errno.
#ifndef ORCHESTRATOR_CLINUX_H
#define ORCHESTRATOR_CLINUX_H

#include "CLinuxFiles.h"
#include "CLinuxIO.h"
#include "CLinuxNetwork.h"
#include "CLinuxSandbox.h"
#include "CLinuxTree.h"

#endif
