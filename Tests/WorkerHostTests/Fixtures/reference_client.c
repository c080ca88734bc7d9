// A worker in C, written from the page "The worker protocol" alone. It knows four node types:
//   echo    answers with its inputs as they came, memfds as the same descriptors
//   produce answers with "bytes" bytes in a sealed memfd
//   wait    answers only when it is cancelled
//   raise   answers with an error
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET = 3, MAX_BODY = 16777216, MAX_FDS = 64 };
enum { HELLO = 1, INITIALIZE, READY, CALL, ACK, RESULT, ERROR, PROGRESS, LOG, CANCEL, SHUTDOWN };

struct frame {
  uint32_t length;
  uint8_t kind, flags;
  uint16_t fd_count;
  uint64_t call;
};
_Static_assert(sizeof(struct frame) == 16, "a header has 16 bytes; this client runs on little-endian machines only");

static int queue[MAX_FDS];
static size_t queued;

static void fail(const char *why) {
  fprintf(stderr, "reference client: %s\n", why);
  exit(70);
}

static void receive(void *to, size_t count) {
  char *at = to;
  while (count > 0) {
    union {
      struct cmsghdr header;
      char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
    } control;
    struct iovec part = {at, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(SOCKET, &message, MSG_CMSG_CLOEXEC);
    if (got == 0) exit(0);
    if (got < 0) fail("recvmsg");
    if (message.msg_flags & MSG_CTRUNC) fail("descriptors were lost");
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      if (queued + n > MAX_FDS) fail("too many descriptors");
      memcpy(queue + queued, CMSG_DATA(c), n * sizeof(int));
      queued += n;
    }
    at += got;
    count -= (size_t)got;
  }
}

static void send_frame(uint8_t kind, uint64_t call, const void *body, uint32_t length, const int *fds, uint16_t count) {
  struct frame header = {length, kind, 0, count, call};
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)body, length}};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
  } control;
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  if (count > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
  }
  size_t left = sizeof header + length;
  while (left > 0) {
    ssize_t sent = sendmsg(SOCKET, &message, MSG_NOSIGNAL);
    if (sent < 0) fail("sendmsg");
    left -= (size_t)sent;
    message.msg_control = NULL;
    message.msg_controllen = 0;
    for (int i = 0; i < 2; i++) {
      size_t part = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;
      parts[i].iov_base = (char *)parts[i].iov_base + part;
      parts[i].iov_len -= part;
      sent -= (ssize_t)part;
    }
  }
}

static void send_text(uint8_t kind, uint64_t call, const char *json) {
  send_frame(kind, call, json, (uint32_t)strlen(json), NULL, 0);
}

static struct frame receive_frame(uint8_t **body) {
  struct frame header;
  receive(&header, sizeof header);
  if (header.length > MAX_BODY || header.flags != 0 || header.fd_count > MAX_FDS) fail("a broken header");
  *body = malloc(header.length + 1);
  if (!*body) fail("memory");
  receive(*body, header.length);
  (*body)[header.length] = 0;
  if (queued != header.fd_count) fail("descriptors that belong to no frame");
  return header;
}

// Enough of a JSON reader for this client: what follows `"key":`, without spaces.
static const char *after(const char *json, const char *key) {
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\"%s\":", key);
  const char *found = strstr(json, pattern);
  if (!found) return "";
  found += strlen(pattern);
  while (*found == ' ') found++;
  return found;
}

static int is(const char *json, const char *key, const char *text) {
  const char *value = after(json, key);
  size_t length = strlen(text);
  return value[0] == '"' && strncmp(value + 1, text, length) == 0 && value[length + 1] == '"';
}

static void produce(uint64_t call, size_t size) {
  int fd = memfd_create("produced", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0 || ftruncate(fd, (off_t)size) < 0) fail("memfd");
  char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) fail("mmap");
  for (size_t i = 0; i < size; i++) bytes[i] = (char)('a' + i % 26);
  munmap(bytes, size);
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) fail("seal");
  static const char metadata[] = "{\"fallback\": false, \"cache_key\": null}";
  uint8_t body[256], *at = body;
#define PUT(type, value) (memcpy(at, &(type){value}, sizeof(type)), at += sizeof(type))
  PUT(uint32_t, sizeof metadata - 1);
  memcpy(at, metadata, sizeof metadata - 1);
  at += sizeof metadata - 1;
  PUT(uint32_t, 1);
  PUT(uint8_t, 1);            // codec: bytes
  PUT(uint8_t, 1);            // storage: descriptor
  PUT(uint16_t, 6);           // name
  PUT(uint16_t, 0);           // label
  PUT(uint16_t, 0);
  PUT(uint32_t, 0xFFFFFFFF);  // a single value
  PUT(uint32_t, 0);
  PUT(uint64_t, size);
  memcpy(at, "output", 6);
  at += 6;
  send_frame(RESULT, call, body, (uint32_t)(at - body), &fd, 1);
  close(fd);
}

// The values of a call are those of the result: only the metadata is exchanged.
static void echo(uint64_t call, const uint8_t *body, uint32_t length) {
  static const char metadata[] = "{\"fallback\":false}";
  uint32_t old, new = sizeof metadata - 1;
  memcpy(&old, body, 4);
  uint32_t rest = length - 4 - old;
  uint8_t *reply = malloc(4 + new + rest);
  if (!reply) fail("memory");
  memcpy(reply, &new, 4);
  memcpy(reply + 4, metadata, new);
  memcpy(reply + 4 + new, body + 4 + old, rest);
  send_frame(RESULT, call, reply, 4 + new + rest, queue, (uint16_t)queued);
  free(reply);
}

static void serve(uint64_t call, const uint8_t *body, uint32_t length) {
  uint32_t metadata_length;
  memcpy(&metadata_length, body, 4);
  char *metadata = strndup((const char *)body + 4, metadata_length);
  send_frame(ACK, call, NULL, 0, NULL, 0);
  if (is(metadata, "operation", "describe")) {
    static const char types[] = "{\"node_types\":[{\"node_type\":\"echo\"}]}";
    uint32_t count = sizeof types - 1;
    uint8_t reply[sizeof types + 8] = {0};
    memcpy(reply, &count, 4);
    memcpy(reply + 4, types, count);
    send_frame(RESULT, call, reply, count + 8, NULL, 0);
  } else if (is(metadata, "node_type", "echo")) {
    send_text(PROGRESS, call, "{\"fraction\": 0.5, \"message\": \"half way\"}");
    send_text(LOG, call, "{\"level\": \"info\", \"logger\": \"reference\", \"message\": \"echoing\"}");
    printf("a line of standard output\n");
    fflush(stdout);
    echo(call, body, length);
  } else if (is(metadata, "node_type", "produce")) {
    produce(call, strtoull(after(metadata, "bytes"), NULL, 10));
  } else if (is(metadata, "node_type", "wait")) {
    uint8_t *cancel;
    struct frame frame;
    do frame = receive_frame(&cancel);
    while (frame.kind != CANCEL || frame.call != call);
    free(cancel);
    send_text(ERROR, call, "{\"class\": \"cancelled\", \"type\": \"Cancelled\", \"message\": \"asked to stop\", "
                           "\"traceback\": null, \"hint\": null}");
  } else {
    send_text(ERROR, call, "{\"class\": \"error\", \"type\": \"ValueError\", \"message\": \"no such luck\", "
                           "\"traceback\": \"line 1\\nline 2\", \"hint\": \"try again\"}");
  }
  free(metadata);
}

int main(void) {
  uint8_t *body;
  send_text(HELLO, 0, "{\"protocol\": 1, \"sdk\": \"reference 1.0\", \"language\": \"C\"}");
  if (receive_frame(&body).kind != INITIALIZE) fail("initialize was due");
  free(body);
  send_text(READY, 0, "{}");
  for (;;) {
    struct frame frame = receive_frame(&body);
    if (frame.kind == SHUTDOWN) return 0;
    if (frame.kind == CALL) serve(frame.call, body, frame.length);
    else if (frame.kind != CANCEL) fail("an unknown frame");
    while (queued > 0) close(queue[--queued]);
    free(body);
  }
}
