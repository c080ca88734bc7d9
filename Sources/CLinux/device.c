// Device programs of cgroups: bpf(2).
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"

static int bpf(enum bpf_cmd command, const union bpf_attr *attributes) {
  long result = syscall(SYS_bpf, command, attributes, sizeof *attributes);
  return result < 0 ? -errno : (int)result;
}

int sandbox_load_device_program(const void *instructions, uint32_t count) {
  // The name is what `bpftool prog` shows. No function is called that only programs under the GPL may call.
  const union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                                     .insns = (uintptr_t)instructions,
                                     .insn_cnt = count,
                                     .license = (uintptr_t) "",
                                     .prog_name = "sandbox_devices"};
  return bpf(BPF_PROG_LOAD, &attributes);
}

int sandbox_attach_device_program(int cgroup, int program) {
  const union bpf_attr attributes = {.target_fd = (uint32_t)cgroup,
                                     .attach_bpf_fd = (uint32_t)program,
                                     .attach_type = BPF_CGROUP_DEVICE,
                                     .attach_flags = BPF_F_ALLOW_MULTI};
  return bpf(BPF_PROG_ATTACH, &attributes);
}
