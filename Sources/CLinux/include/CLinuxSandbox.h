// Processes: clone3, namespaces, mounts, Landlock, seccomp, capabilities.
#ifndef ORCHESTRATOR_CLINUX_SANDBOX_H
#define ORCHESTRATOR_CLINUX_SANDBOX_H

#endif
