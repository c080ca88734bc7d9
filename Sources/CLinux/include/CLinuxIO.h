// Descriptors: sockets that pass descriptors, memfds and their seals, epoll.
// Swift imports this header without _GNU_SOURCE: what needs it lives in the .c file.
#ifndef ORCHESTRATOR_CLINUX_IO_H
#define ORCHESTRATOR_CLINUX_IO_H

// `No such file or directory` and `ENOENT`; static strings, never NULL.
const char *linux_error_words(int code);
const char *linux_error_name(int code);

int linux_close(int fd);

#endif
