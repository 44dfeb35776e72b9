#include "destination.h"

#include "file_attributes.h"
#include "interrupt.h"
#include "pack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40              /* as the kernel has it */
#define BASE_MAX 200              /* longest part of a name that a temporary name has */
#define BETWEEN_MS 20             /* between checks for a reader */
#define NAMES_MAX 1000            /* attempts to find a free name */
#define PIPE_BLOCK ((size_t)4096) /* a pipe that is ready accepts this without blocking (pipe(7)) */

typedef enum state { CHOSEN, OPEN, FINISHED, SETTLED } state;

struct cli_destination {
    const char *name;  /* in messages */
    const char *given; /* on the command line; NULL: standard output */
    int fd;
    bool stream;
    bool ours; /* fd is closed here */
    bool dropped;
    state state;
    bool replaces; /* a file exists; its stat: */
    struct stat before;
    char *path;        /* of the file, links resolved */
    char *beside;      /* its temporary name, or NULL */
    cli_pack *pack;    /* or NULL: not compressed */
    char *part;        /* --part-rows: memory of `given` */
    const char *whole; /* ... and what --output says */
    unsigned number;   /* ... of the part, from 1 */
    cli_destination *next;
};

/* ---- names */

/* The length of "DIRECTORY/" of a path; 0 if it has none. */
static size_t directory_size(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

static char *joined(const char *path, size_t size, const char *rest)
{
    size_t n = strlen(rest);
    char *out = malloc(size + n + 1);
    if (out != NULL) {
        memcpy(out, path, size);
        memcpy(out + size, rest, n + 1);
    }
    return out;
}

/* The file descriptor of this process that the path names, or -1. */
static int descriptor_of(const char *path)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(path, names[i]) == 0) {
            return i;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(folders[i]);
        char *end;
        if (strncmp(path, folders[i], n) == 0 && path[n] >= '0' && path[n] <= '9') {
            long number = strtol(path + n, &end, 10);
            return *end == '\0' && number <= INT_MAX ? (int)number : -1;
        }
    }
    return -1;
}

/* Resolve symbolic links: *out is a file or a free name.  If they lead to a file descriptor of this
 * process, *fd is set, and that descriptor is written directly at its position. */
static bm_status follow(const char *given, char **out, int *fd, bm_error *err)
{
    char *path = joined(given, strlen(given), "");
    *fd = descriptor_of(given);
    for (int i = 0; path != NULL && *fd < 0; i++) {
        struct stat about;
        char to[PATH_MAX];
        if (lstat(path, &about) != 0 || !S_ISLNK(about.st_mode)) {
            break;
        }
        ssize_t n = i < LINKS_MAX ? readlink(path, to, sizeof to - 1) : -1;
        if (n < 0) {
            errno = i < LINKS_MAX ? errno : ELOOP;
            free(path);
            return cli_fail_errno(err, BM_LIMIT, given);
        }
        to[n] = '\0';
        char *next = joined(path, to[0] == '/' ? 0 : directory_size(path), to);
        free(path);
        path = next;
        *fd = path != NULL ? descriptor_of(path) : -1;
    }
    *out = path;
    return path != NULL ? BM_OK : cli_no_memory(err);
}

/* stat() the directory of a path. */
static bool stat_directory(const char *path, struct stat *out)
{
    char *directory = joined(path, directory_size(path), ".");
    bool found = directory != NULL && stat(directory, out) == 0;
    free(directory);
    return found;
}

/* Are they the same file, or the same name of a file that does not exist yet? */
static bool is_same(const char *a, const char *b)
{
    struct stat x;
    struct stat y;
    if (stat(a, &x) == 0 && stat(b, &y) == 0) {
        return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    }
    return strcmp(a + directory_size(a), b + directory_size(b)) == 0 && stat_directory(a, &x) &&
           stat_directory(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* ---- files that are refused */

/* Does the destination go to the file at `path`? */
static bool goes_to(const cli_destination *d, const char *path)
{
    struct stat ours;
    struct stat other;
    if (!d->stream) {
        return is_same(d->path, path);
    }
    return d->fd >= 0 && fstat(d->fd, &ours) == 0 && S_ISREG(ours.st_mode) &&
           stat(path, &other) == 0 && ours.st_dev == other.st_dev && ours.st_ino == other.st_ino;
}

/* sqlite.org/tempfiles.html: these files are next to the database; SQLite resolves links, too. */
static bm_status check_file(const cli_destination *d, const char *given, bm_error *err)
{
    static const char *const endings[] = {"", "-journal", "-wal", "-shm"};
    char *path;
    int fd;
    CLI_TRY(follow(given, &path, &fd, err));
    bm_status status = BM_OK;
    for (size_t i = 0; status == BM_OK && i < sizeof endings / sizeof endings[0]; i++) {
        char *name = joined(path, strlen(path), endings[i]);
        if (name == NULL) {
            status = cli_no_memory(err);
        } else if (goes_to(d, name)) {
            status = cli_fail(err, BM_INVALID, "%s is %s: write to another file", d->name,
                              i == 0 ? "the database" : "a file of the database");
        }
        free(name);
    }
    free(path);
    return status;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* The path of a URI of SQLite (sqlite.org/uri.html): "file:PATH?OPTIONS", "file://HOST/PATH".  %HH
 * is a byte. */
static char *path_of_uri(const char *uri)
{
    const char *at = uri + strlen("file:");
    if (strncmp(at, "//", 2) == 0) {
        at += 2 + strcspn(at + 2, "/");
    }
    char *path = joined(at, strcspn(at, "?#"), "");
    char *to = path;
    for (const char *from = path; from != NULL && *from != '\0'; from++) {
        int high = *from == '%' ? digit_of(from[1]) : -1;
        int low = high >= 0 ? digit_of(from[2]) : -1;
        *to++ = low >= 0 ? (char)(16 * high + low) : *from;
        from += low >= 0 ? 2 : 0;
    }
    if (to != NULL) {
        *to = '\0';
    }
    return path;
}

/* Whether SQLite accepts URIs depends on its build, so both readings of the name are refused. */
static bm_status check_database(const cli_destination *d, const char *database, bm_error *err)
{
    static const char scheme[] = "sqlite:";
    const char *given = database + strlen(scheme);
    if (strncmp(database, scheme, strlen(scheme)) != 0 || *given == '\0' || *given == ':') {
        return BM_OK;
    }
    CLI_TRY(check_file(d, given, err));
    if (strncmp(given, "file:", 5) != 0) {
        return BM_OK;
    }
    char *path = path_of_uri(given);
    bm_status status = path != NULL ? check_file(d, path, err) : cli_no_memory(err);
    free(path);
    return status;
}

static bool is_standard_input(const cli_destination *d)
{
    struct stat ours;
    struct stat input;
    bool known = d->stream ? d->fd >= 0 && fstat(d->fd, &ours) == 0 : stat(d->path, &ours) == 0;
    return known && S_ISREG(ours.st_mode) && fstat(STDIN_FILENO, &input) == 0 &&
           ours.st_dev == input.st_dev && ours.st_ino == input.st_ino;
}

static bm_status check_inputs(const cli_destination *d, const cli_options *options, bm_error *err)
{
    bool from_stdin = options->n_files == 0 && options->verb->bit != CLI_COPY_TO;
    bool input = false;
    for (size_t i = 0; i < options->n_files && !input; i++) {
        bool dash = strcmp(options->files[i], "-") == 0;
        from_stdin = from_stdin || dash;
        input = !dash && goes_to(d, options->files[i]);
    }
    if (input || (from_stdin && is_standard_input(d))) {
        return cli_fail(err, BM_INVALID, "%s is an input: write to another file", d->name);
    }
    return BM_OK;
}

/* ---- choosing */

/* A file is replaced; anything else is written directly. */
static bm_status look(cli_destination *d, bm_error *err)
{
    CLI_TRY(follow(d->given, &d->path, &d->fd, err));
    if (d->fd >= 0) {
        d->stream = true;
        return BM_OK;
    }
    if (stat(d->path, &d->before) != 0) {
        return errno == ENOENT ? BM_OK : cli_fail_errno(err, BM_LIMIT, d->name);
    }
    if (S_ISDIR(d->before.st_mode)) {
        errno = EISDIR;
        return cli_fail_errno(err, BM_LIMIT, d->name);
    }
    if (S_ISBLK(d->before.st_mode)) {
        return cli_fail(err, BM_INVALID, "%s is a block device: write to a file", d->name);
    }
    d->stream = !S_ISREG(d->before.st_mode);
    d->replaces = !d->stream;
    return BM_OK;
}

static bm_status choose(const cli_options *options, const char *option, const char *given,
                        cli_destination **out, bm_error *err)
{
    *out = NULL;
    if (given != NULL && given[0] == '\0') {
        return cli_fail(err, BM_INVALID, "--%s needs the name of a file", option);
    }
    cli_destination *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return cli_no_memory(err);
    }
    d->given = given != NULL && strcmp(given, "-") != 0 ? given : NULL;
    d->name = d->given != NULL ? d->given : "standard output";
    d->fd = d->given != NULL ? -1 : STDOUT_FILENO;
    d->stream = d->given == NULL;
    d->dropped = options->dry_run;
    bm_status status = d->given != NULL ? look(d, err) : BM_OK;
    if (status == BM_OK) {
        status = check_database(d, options->database, err);
    }
    if (status == BM_OK) {
        status = check_inputs(d, options, err);
    }
    if (status != BM_OK) {
        cli_destination_free(d);
        return status;
    }
    *out = d;
    return BM_OK;
}

/* "name-0001.csv.gz": the number is before the ending, and that of a compressed file. */
static char *part_name(const char *whole, unsigned number)
{
    size_t size;
    (void)cli_compression_named(whole, &size);
    size_t stem = size;
    while (stem > 0 && whole[stem - 1] != '.' && whole[stem - 1] != '/') {
        stem--;
    }
    const bool ending = stem > 1 && whole[stem - 1] == '.' && whole[stem - 2] != '/';
    stem = ending ? stem - 1 : size;
    const size_t room = strlen(whole) + 16;
    char *out = malloc(room);
    if (out != NULL) {
        snprintf(out, room, "%.*s-%04u%s", (int)stem, whole, number, whole + stem);
    }
    return out;
}

static bm_status choose_part(const cli_options *options, const char *whole, unsigned number,
                             cli_destination **out, bm_error *err)
{
    char *name = part_name(whole, number);
    bm_status status =
        name != NULL ? choose(options, "output", name, out, err) : cli_no_memory(err);
    if (status != BM_OK) {
        free(name);
        return status;
    }
    (*out)->part = name;
    (*out)->whole = whole;
    (*out)->number = number;
    if ((*out)->stream) {
        status = cli_fail(err, BM_INVALID, "%s is not a file: the output is several files", name);
        cli_destination_free(*out);
        *out = NULL;
    }
    return status;
}

bm_status cli_destination_choose(const cli_options *options, const char *option, const char *given,
                                 cli_destination **out, bm_error *err)
{
    CLI_TRY(choose(options, option, given, out, err));
    if (!cli_in_parts(options)) {
        return BM_OK;
    }
    const bool stream = (*out)->stream;
    cli_destination_free(*out);
    *out = NULL;
    return stream ? cli_fail(err, BM_INVALID, "--%s writes several files: it needs --output FILE",
                             options->part_rows > 0 ? "part-rows" : "part-size")
                  : choose_part(options, given, 1, out, err);
}

bm_status cli_destination_next(const cli_options *options, cli_destination **destination,
                               bm_error *err)
{
    cli_destination *d = *destination;
    CLI_TRY(cli_destination_finish(d, err));
    CLI_TRY(choose_part(options, d->whole, d->number + 1, &d->next, err));
    *destination = d->next;
    return cli_destination_open(d->next, err);
}

bool cli_destination_stale(const cli_destination *d, char *out, size_t size)
{
    while (d->next != NULL) {
        d = d->next;
    }
    char *after = d->part != NULL ? part_name(d->whole, d->number + 1) : NULL;
    const bool exists = after != NULL && access(after, F_OK) == 0;
    if (exists) {
        snprintf(out, size, "%s", cli_short_path(after));
    }
    free(after);
    return exists;
}

const char *cli_destination_name(const cli_destination *destination)
{
    return destination->name;
}

bool cli_destination_is_stream(const cli_destination *destination)
{
    return destination->stream;
}

/* ---- writing */

static bm_status cannot_write_beside(const cli_destination *d, bm_error *err)
{
    char words[128];
    const char *why = strerror_r(errno, words, sizeof words);
    return cli_fail(err, BM_LIMIT, "%s: %s (cannot create a new file in its folder)", d->name, why);
}

static bm_status open_beside(cli_destination *d, bm_error *err)
{
    size_t directory = directory_size(d->path);
    size_t base = strlen(d->path + directory);
    base = base < BASE_MAX ? base : BASE_MAX;
    if (d->replaces && access(d->path, W_OK) != 0) {
        return cli_fail_errno(err, BM_LIMIT, d->name);
    }
    for (unsigned i = 0; d->fd < 0; i++) {
        char ending[64];
        snprintf(ending, sizeof ending, ".%ld-%u.part", (long)getpid(), i);
        free(d->beside);
        d->beside = joined(d->path, directory + base, ending);
        if (d->beside == NULL) {
            return cli_no_memory(err);
        }
        d->fd = open(d->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                     d->replaces ? 0600 : 0666);
        if (d->fd < 0 && (errno != EEXIST || i == NAMES_MAX)) {
            bm_status status = cannot_write_beside(d, err);
            free(d->beside);
            d->beside = NULL;
            return status;
        }
    }
    return d->replaces ? cli_keep_attributes(d->fd, d->path, &d->before, d->name, err) : BM_OK;
}

/* Opening a named pipe fails until a reader opens it (fifo(7)). */
static bm_status open_stream(cli_destination *d, bm_error *err)
{
    bool pipe = d->fd < 0 && S_ISFIFO(d->before.st_mode);
    while (d->fd < 0) {
        d->fd = open(d->path, O_WRONLY | O_CLOEXEC | (pipe ? O_NONBLOCK : 0));
        d->ours = d->fd >= 0;
        if (d->fd < 0 && !(pipe && errno == ENXIO) && errno != EINTR) {
            return cli_fail_errno(err, BM_LIMIT, d->name);
        }
        if (d->fd < 0 && !cli_interrupt_wait(-1, BETWEEN_MS)) {
            return cli_fail(err, BM_CANCELLED, "interrupted");
        }
    }
    return BM_OK;
}

static bm_status write_all(void *user, const char *data, size_t size, bm_error *err)
{
    cli_destination *d = user;
    for (size_t at = 0; at < size && !d->dropped;) {
        size_t most = size - at;
        if (d->stream) {
            most = most < PIPE_BLOCK ? most : PIPE_BLOCK;
            if (!cli_interrupt_wait(d->fd, -1)) {
                return cli_fail(err, BM_CANCELLED, "interrupted");
            }
        }
        ssize_t n = write(d->fd, data + at, most);
        if (n >= 0) {
            at += (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            return cli_fail_errno(err, BM_LIMIT, d->name);
        }
    }
    return BM_OK;
}

bm_status cli_destination_open(cli_destination *d, bm_error *err)
{
    size_t size;
    if (!d->dropped) {
        CLI_TRY(d->stream ? open_stream(d, err) : open_beside(d, err));
        d->ours = d->ours || !d->stream;
    }
    const cli_compression kind = cli_compression_named(d->given != NULL ? d->given : "", &size);
    if (kind != CLI_UNCOMPRESSED && !d->dropped) {
        CLI_TRY(cli_pack_open(kind, write_all, d, &d->pack, err));
    }
    d->state = OPEN;
    return BM_OK;
}

bm_status cli_destination_write(cli_destination *d, const char *data, size_t size, bm_error *err)
{
    return d->pack != NULL ? cli_pack_write(d->pack, data, size, err)
                           : write_all(d, data, size, err);
}

bm_status cli_destination_finish(cli_destination *d, bm_error *err)
{
    if (d->pack != NULL) {
        CLI_TRY(cli_pack_end(d->pack, err));
        cli_pack_free(d->pack); /* of many parts, all would be kept until the last */
        d->pack = NULL;
    }
    if (d->ours) {
        /* Some files cannot be flushed, for example those in memory. */
        bool failed = fsync(d->fd) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS;
        int reason = errno;
        if (close(d->fd) != 0 && !failed) {
            failed = true;
            reason = errno;
        }
        d->fd = -1;
        d->ours = false;
        errno = reason;
        if (failed) {
            return cli_fail_errno(err, BM_LIMIT, d->name);
        }
    }
    d->state = FINISHED;
    return BM_OK;
}

/* ---- the end */

/* Flush the new name to the disk, too. */
static void sync_directory(const cli_destination *d)
{
    char *directory = joined(d->path, directory_size(d->path), ".");
    int fd = directory != NULL ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(directory);
}

static bm_status publish(cli_destination *d, bm_error *err)
{
    if (d->state != FINISHED || d->beside == NULL) {
        return BM_OK;
    }
    if (rename(d->beside, d->path) != 0) {
        char words[128];
        const char *why = strerror_r(errno, words, sizeof words);
        d->state = SETTLED;
        return cli_fail(err, BM_LIMIT, "cannot replace %s (%s): the output is in %s", d->name, why,
                        d->beside);
    }
    d->state = SETTLED;
    if (d->next == NULL) {
        sync_directory(d);
    }
    return BM_OK;
}

bm_status cli_destination_publish(cli_destination *d, bm_error *err)
{
    for (; d != NULL; d = d->next) {
        CLI_TRY(publish(d, err));
    }
    return BM_OK;
}

const char *cli_destination_keep(cli_destination *d)
{
    if (d->state != FINISHED || d->dropped) {
        return NULL;
    }
    d->state = SETTLED;
    return d->stream ? d->name : d->beside;
}

void cli_destination_free(cli_destination *d)
{
    while (d != NULL) {
        cli_destination *next = d->next;
        if (d->ours && d->fd >= 0) {
            close(d->fd);
        }
        if (d->beside != NULL && d->state != SETTLED) {
            unlink(d->beside);
        }
        cli_pack_free(d->pack);
        free(d->beside);
        free(d->path);
        free(d->part);
        free(d);
        d = next;
    }
}
