/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many websocket clients in one thread: load-client PORT N TOKEN|- STALLED VPS…
 *
 * Opens N connections, spread over the VPSs, subscribes each, and says "ready". From the line
 * "begin" on stdin to the line "end" it counts; then it prints one line of JSON: messages, bytes,
 * and the delays of those whose name is "t" and a monotonic time in ns. The first STALLED
 * connections read nothing after their subscription. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTING_MAX 64
#define EVENTS_MAX 256
#define STDIN_MARK UINT32_MAX

typedef enum
{
  HANDSHAKE,
  SUBSCRIBING,
  OPEN,
} State;

typedef struct
{
  int fd;
  State state;
  char *buffer; /* what has come of a message that is not whole */
  size_t length, size;
} Connection;

static Connection *connections;
static unsigned n_connections, n_begun, n_open, n_stalled;
static struct sockaddr_in address;
static const char *token;
static char **vps;
static int n_vps, poll_fd;
static int counting;
static unsigned long long messages, bytes;
static double *delays_ms;
static size_t n_delays, delays_size;
static char scratch[256 * 1024];

static void
die (const char *what)
{
  perror (what);
  exit (1);
}

static long long
now_ns (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void
send_all (int fd, const char *data, size_t length)
{
  if (send (fd, data, length, MSG_NOSIGNAL) != (ssize_t) length)
    die ("send");
}

static void
begin (unsigned number)
{
  Connection *self = &connections[number];
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = number };
  char authorization[4096] = "";
  char request[8192];

  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (self->fd < 0 || connect (self->fd, (struct sockaddr *) &address, sizeof address) != 0)
    die ("connect");
  if (strcmp (token, "-") != 0)
    snprintf (authorization, sizeof authorization, "Authorization: Bearer %s\r\n", token);
  snprintf (
      request, sizeof request,
      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: vps-backup.v1\r\n%s\r\n",
      authorization);
  send_all (self->fd, request, strlen (request));
  fcntl (self->fd, F_SETFL, O_NONBLOCK);
  if (epoll_ctl (poll_fd, EPOLL_CTL_ADD, self->fd, &event) != 0)
    die ("epoll_ctl");
}

/* Masked with zeros, which is a mask. */
static void
subscribe (Connection *self)
{
  char text[125 + 1], frame[6 + sizeof text] = { (char) 0x81 };
  int length = snprintf (
      text, sizeof text,
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"vps.subscribe\",\"params\":{\"vps\":\"%s\"}}",
      vps[(self - connections) % n_vps]);

  frame[1] = (char) (0x80 | length);
  memcpy (frame + 6, text, (size_t) length);
  send_all (self->fd, frame, (size_t) length + 6);
}

static void
note_delay (const char *text, size_t length)
{
  const char *mark = memmem (text, length, "\"name\":\"t", 9);

  if (mark == NULL)
    return;
  if (n_delays == delays_size)
    {
      delays_size = delays_size * 2 + 1024;
      delays_ms = realloc (delays_ms, delays_size * sizeof *delays_ms);
    }
  delays_ms[n_delays++] = (double) (now_ns () - strtoll (mark + 9, NULL, 10)) / 1e6;
}

static void
take_message (Connection *self, const char *text, size_t length)
{
  if (self->state == SUBSCRIBING)
    {
      if (memmem (text, length, "\"result\"", 8) == NULL)
        return;
      self->state = OPEN;
      if (self - connections < (long) n_stalled)
        epoll_ctl (poll_fd, EPOLL_CTL_DEL, self->fd, NULL);
      if (++n_open == n_connections)
        puts ("ready");
      if (n_begun < n_connections)
        begin (n_begun++);
      return;
    }

  if (!counting)
    return;
  messages++;
  bytes += length;
  if (memmem (text, length < 64 ? length : 64, "vps.changed", 11) != NULL)
    note_delay (text, length);
}

/* Returns: bytes used, 0 when the first frame is not whole */
static size_t
take_frame (Connection *self, const char *data, size_t length)
{
  size_t head = 2, body;

  if (length < 2)
    return 0;
  body = (unsigned char) data[1] & 0x7f;
  if (body == 126 && length >= 4)
    {
      body = (size_t) (unsigned char) data[2] << 8 | (unsigned char) data[3];
      head = 4;
    }
  else if (body == 126)
    return 0;
  else if (body == 127)
    {
      if (length < 10)
        return 0;
      body = 0;
      for (int i = 2; i < 10; i++)
        body = body << 8 | (unsigned char) data[i];
      head = 10;
    }
  if (length < head + body)
    return 0;
  if ((data[0] & 0x0f) == 8)
    {
      fprintf (stderr, "closed by the server\n");
      exit (1);
    }
  if ((data[0] & 0x0f) == 1)
    take_message (self, data + head, body);
  return head + body;
}

static size_t
take_head (Connection *self, const char *data, size_t length)
{
  const char *end = memmem (data, length, "\r\n\r\n", 4);

  if (end == NULL)
    return 0;
  if (memcmp (data, "HTTP/1.1 101", 12) != 0)
    {
      fprintf (stderr, "refused: %.60s\n", data);
      exit (1);
    }
  self->state = SUBSCRIBING;
  subscribe (self);
  return (size_t) (end + 4 - data);
}

static void
keep (Connection *self, const char *data, size_t length)
{
  if (length > self->size)
    {
      self->size = length;
      self->buffer = realloc (self->buffer, length);
    }
  memmove (self->buffer, data, length);
  self->length = length;
}

static void
read_some (Connection *self)
{
  ssize_t n;
  size_t used, at = 0, length;

  memcpy (scratch, self->buffer, self->length);
  n = recv (self->fd, scratch + self->length, sizeof scratch - self->length, 0);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0)
    die ("connection lost");
  length = self->length + (size_t) n;
  while (at < length
         && (used = self->state == HANDSHAKE ? take_head (self, scratch + at, length - at)
                                             : take_frame (self, scratch + at, length - at))
                != 0)
    at += used;
  keep (self, scratch + at, length - at);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
percentile (double part)
{
  return n_delays == 0 ? -1 : delays_ms[(size_t) (part * (double) (n_delays - 1))];
}

static void
report (void)
{
  qsort (delays_ms, n_delays, sizeof *delays_ms, compare);
  printf ("{\"messages\":%llu,\"bytes\":%llu,\"delays\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_"
          "ms\":%.3f}\n",
          messages, bytes, n_delays, percentile (0.5), percentile (0.99), percentile (1));
  exit (0);
}

static void
take_order (void)
{
  char line[16];

  if (fgets (line, sizeof line, stdin) == NULL || strcmp (line, "end\n") == 0)
    report ();
  counting = 1;
}

static void
set_up (int argc, char **argv)
{
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = STDIN_MARK };
  struct rlimit limit;

  if (argc < 6)
    exit (2);
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  setvbuf (stdout, NULL, _IOLBF, 0);
  setvbuf (stdin, NULL, _IONBF, 0);
  address = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_port = htons ((unsigned short) atoi (argv[1])) };
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  n_connections = (unsigned) atoi (argv[2]);
  token = argv[3];
  n_stalled = (unsigned) atoi (argv[4]);
  vps = argv + 5;
  n_vps = argc - 5;
  connections = calloc (n_connections, sizeof *connections);
  poll_fd = epoll_create1 (EPOLL_CLOEXEC);
  epoll_ctl (poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event);
}

int
main (int argc, char **argv)
{
  struct epoll_event events[EVENTS_MAX];

  set_up (argc, argv);
  while (n_begun < n_connections && n_begun < CONNECTING_MAX)
    begin (n_begun++);
  while (1)
    {
      int n = epoll_wait (poll_fd, events, EVENTS_MAX, -1);

      for (int i = 0; i < n; i++)
        if (events[i].data.u32 == STDIN_MARK)
          take_order ();
        else
          read_some (&connections[events[i].data.u32]);
    }
}
