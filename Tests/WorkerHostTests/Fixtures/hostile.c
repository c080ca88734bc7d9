// A worker that breaks one rule, named by its first argument. It greets properly where the rule comes later.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET = 3 };
enum { HELLO = 1, INITIALIZE, READY, CALL, ACK, RESULT, ERROR, PROGRESS, LOG, CANCEL, SHUTDOWN };
static const char *mode;
// What it answers to the odd calls of the mode "estimates".
static const char *estimate;
static int is(const char *name) { return strcmp(mode, name) == 0; }

static void put(const void *bytes, size_t count, const int *fds, size_t fd_count) {
  static char control[CMSG_SPACE(sizeof(int) * 253)] __attribute__((aligned(8)));
  struct iovec part = {(void *)bytes, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
  }
  const char *at = bytes;
  while (count > 0) {
    part = (struct iovec){(void *)at, count};
    ssize_t sent = sendmsg(SOCKET, &message, MSG_NOSIGNAL);
    if (sent <= 0) _exit(71);
    message.msg_control = NULL;
    message.msg_controllen = 0;
    at += sent;
    count -= (size_t)sent;
  }
}

static void header(uint8_t *to, uint32_t length, uint8_t kind, uint16_t fds, uint64_t call) {
  memset(to, 0, 16);
  memcpy(to, &length, 4);
  to[4] = kind;
  memcpy(to + 6, &fds, 2);
  memcpy(to + 8, &call, 8);
}

static void frame(uint8_t kind, uint64_t call, const void *body, uint32_t length, const int *fds, size_t fd_count,
                  uint16_t claimed) {
  uint8_t *bytes = malloc(16 + length);
  header(bytes, length, kind, claimed, call);
  memcpy(bytes + 16, body, length);
  put(bytes, 16 + length, fds, fd_count);
  free(bytes);
}

static void text(uint8_t kind, uint64_t call, const char *json) {
  frame(kind, call, json, (uint32_t)strlen(json), NULL, 0, 0);
}

// Reads one frame and throws it away.
static uint8_t skip(void) {
  uint8_t head[16];
  for (size_t got = 0; got < 16;) {
    ssize_t count = read(SOCKET, head + got, 16 - got);
    if (count <= 0) _exit(0);
    got += (size_t)count;
  }
  uint32_t length;
  memcpy(&length, head, 4);
  char buffer[4096];
  while (length > 0) {
    ssize_t count = read(SOCKET, buffer, length < sizeof buffer ? length : sizeof buffer);
    if (count <= 0) _exit(0);
    length -= (uint32_t)count;
  }
  return head[4];
}

static void sleep_forever(void) {
  for (;;) pause();
}

static int memory(size_t size, unsigned flags, int seals) {
  int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
  if (fd < 0 || ftruncate(fd, (off_t)size) < 0) _exit(72);
  if (seals && fcntl(fd, F_ADD_SEALS, seals) < 0) _exit(73);
  return fd;
}

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

// A result with `count` values "a", "b", … in descriptors of 100,000 bytes each.
static void result(uint64_t call, const int *fds, size_t count, size_t sent, uint16_t claimed) {
  uint8_t body[8192] = {2, 0, 0, 0, '{', '}'}, *at = body + 6;
  uint32_t entries = (uint32_t)count;
  memcpy(at, &entries, 4);
  at += 4;
  for (size_t i = 0; i < count; i++) {
    uint64_t length = 100000;
    uint32_t single = 0xFFFFFFFF;
    memset(at, 0, 24);
    at[0] = 1;
    at[1] = 1;
    at[2] = 2;
    memcpy(at + 8, &single, 4);
    memcpy(at + 16, &length, 8);
    at[24] = (uint8_t)('a' + i / 26);
    at[25] = (uint8_t)('a' + i % 26);
    at += 26;
  }
  frame(RESULT, call, body, (uint32_t)(at - body), fds, sent, claimed);
}

// A result without values.
static void answer(uint64_t call, const char *metadata) {
  uint8_t body[8192] = {0};
  uint32_t length = (uint32_t)strlen(metadata);
  memcpy(body, &length, 4);
  memcpy(body + 4, metadata, length);
  frame(RESULT, call, body, length + 8, NULL, 0, 0);
}

static void before_hello(void) {
  if (is("garbage")) put("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 38, NULL, 0), sleep_forever();
  if (is("closes")) close(SOCKET), sleep_forever();
  if (is("exits")) _exit(3);
  if (is("silent")) sleep_forever();
  uint8_t head[16];
  if (is("huge")) header(head, 0x80000000u, HELLO, 0, 0), put(head, 16, NULL, 0), sleep_forever();
  if (is("truncated")) header(head, 100, HELLO, 0, 0), put(head, 16, NULL, 0), put("{", 1, NULL, 0), _exit(0);
  if (is("unknown-kind")) header(head, 0, 12, 0, 0), put(head, 16, NULL, 0), sleep_forever();
  if (is("flags")) header(head, 0, HELLO, 0, 0), head[5] = 1, put(head, 16, NULL, 0), sleep_forever();
  if (is("too-many")) header(head, 0, RESULT, 65, 1), put(head, 16, NULL, 0), sleep_forever();
  if (is("supervisor-kind")) text(CANCEL, 0, "{}"), sleep_forever();
  if (is("ready-first")) text(READY, 0, "{}"), sleep_forever();
  if (is("old-version")) text(HELLO, 0, "{\"protocol\":0,\"sdk\":\"x\",\"language\":\"C\"}"), sleep_forever();
  if (is("deep")) {
    char deep[4000];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    frame(HELLO, 0, deep, sizeof deep, NULL, 0, 0), sleep_forever();
  }
  if (is("not-an-object")) text(HELLO, 0, "[1]"), sleep_forever();
  if (is("dribbles")) {
    // One byte of a header at a time, each with as many descriptors as a message carries.
    int fds[253];
    for (int i = 0; i < 253; i++) fds[i] = memory(1, 0, ALL_SEALS);
    for (int i = 0; i < 15; i++) put("", 1, fds, 253);
    sleep_forever();
  }
}

static void in_call(uint64_t call) {
  if (is("never-acks")) sleep_forever();
  if (is("result-before-ack")) result(call, NULL, 0, 0, 0), sleep_forever();
  frame(ACK, call, "", 0, NULL, 0, 0);
  if (is("estimates")) return answer(call, call % 2 ? estimate : "{}");
  if (is("acks-twice")) frame(ACK, call, "", 0, NULL, 0, 0), sleep_forever();
  if (is("unknown-call")) result(call + 7, NULL, 0, 0, 0), sleep_forever();
  if (is("result-twice")) result(call, NULL, 0, 0, 0), result(call, NULL, 0, 0, 0), sleep_forever();
  if (is("segfaults")) signal(SIGSEGV, SIG_DFL), raise(SIGSEGV);
  if (is("exits-in-call")) fprintf(stderr, "last words\n"), _exit(4);
  if (is("ignores-cancel")) signal(SIGTERM, SIG_IGN), sleep_forever();
  if (is("heeds-sigterm")) sleep_forever();
  int fds[64], count = 1;
  if (is("pipe")) pipe(fds), result(call, fds, 1, 1, 1), sleep_forever();
  if (is("file")) fds[0] = open("/proc/self/exe", O_RDONLY), result(call, fds, 1, 1, 1), sleep_forever();
  if (is("unsealed")) fds[0] = memory(100000, 0, 0), result(call, fds, 1, 1, 1), sleep_forever();
  if (strncmp(mode, "lacks-seal-", 11) == 0)
    fds[0] = memory(100000, 0, ALL_SEALS & ~atoi(mode + 11)), result(call, fds, 1, 1, 1), sleep_forever();
  if (is("wrong-size")) fds[0] = memory(99999, 0, ALL_SEALS), result(call, fds, 1, 1, 1), sleep_forever();
  if (is("huge-pages")) fds[0] = memory(0, MFD_HUGETLB, ALL_SEALS), result(call, fds, 1, 1, 1), sleep_forever();
  if (is("missing")) result(call, fds, 1, 0, 1), sleep_forever();
  if (is("unclaimed")) fds[0] = memory(100000, 0, ALL_SEALS), result(call, fds, 0, 1, 0), sleep_forever();
  if (is("full")) {
    for (count = 0; count < 64; count++) fds[count] = memory(100000, 0, ALL_SEALS);
    result(call, fds, 64, 64, 64);
    sleep_forever();
  }
  if (is("lingering")) {
    // A socket whose close waits for data that nobody reads.
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct linger linger = {1, 20};
    char junk[65536] = {0};
    if (bind(listener, (void *)&address, length) < 0 || listen(listener, 1) < 0) _exit(74);
    getsockname(listener, (void *)&address, &length);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fds[0], (void *)&address, length) < 0) _exit(75);
    setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    while (send(fds[0], junk, sizeof junk, MSG_DONTWAIT) > 0) (void)one;
    result(call, fds, 1, 1, 1);
    close(fds[0]);
    sleep_forever();
  }
  if (is("floods-stdout")) {
    static char line[1 << 16];
    memset(line, 'x', sizeof line);
    for (size_t i = 99; i < sizeof line; i += 100) line[i] = '\n';
    for (int i = 0; i < 16384; i++)
      if (write(1, line, sizeof line) < 0) _exit(76);
    result(call, NULL, 0, 0, 0);
    skip();
    _exit(0);
  }
  if (is("floods-log")) {
    char line[4200];
    int length = snprintf(line, sizeof line, "{\"level\":\"info\",\"logger\":\"x\",\"message\":\"%04000d\"}", 0);
    for (;;) frame(LOG, call, line, (uint32_t)length, NULL, 0, 0);
  }
  if (is("escapes")) {
    static const char evil[] = "\x1b]0;owned\x07\x1b[2Jhello\rworld\xe2\x80\xae\xff\n";
    write(1, evil, sizeof evil - 1);
    text(ERROR, call, "{\"class\":\"error\",\"type\":\"E\\u001b[31m\",\"message\":\"a\\u001b[0mb\"}");
    sleep_forever();
  }
  _exit(77);
}

int main(int argc, char **argv) {
  mode = argc > 1 ? argv[1] : "";
  estimate = argc > 2 ? argv[2] : "{}";
  before_hello();
  text(HELLO, 0, "{\"protocol\":1,\"sdk\":\"hostile\",\"language\":\"C\"}");
  if (is("hangs-at-initialize")) sleep_forever();
  skip();
  if (is("fails-to-load"))
    text(ERROR, 0, "{\"class\":\"load\",\"type\":\"ImportError\",\"message\":\"no module\",\"traceback\":\"t\"}"),
        sleep_forever();
  if (is("segfaults-at-initialize")) raise(SIGSEGV);
  text(READY, 0, "{}");
  if (is("speaks-when-idle")) text(PROGRESS, 9, "{\"fraction\":1}");
  if (is("dies-when-idle")) _exit(0);
  for (uint64_t call = 1;; call++) {
    uint8_t kind = skip();
    if (kind == SHUTDOWN) return 0;
    if (kind == CALL) in_call(call);
  }
}
