#include "file_attributes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* acl(5): where Linux keeps the list of a file. */
#define ACL "system.posix_acl_access"

static bool must_be_kept(const char *attribute)
{
    return strcmp(attribute, ACL) == 0 || strncmp(attribute, "user.", 5) == 0;
}

static bm_status cannot_keep(const char *name, const char *attribute, bm_error *err)
{
    char words[128];
    return cli_fail(err, BM_LIMIT, "%s: cannot keep its %s%s: %s", name,
                    strcmp(attribute, ACL) == 0 ? "access control list" : "extended attribute ",
                    strcmp(attribute, ACL) == 0 ? "" : attribute,
                    strerror_r(errno, words, sizeof words));
}

static bm_status keep_attribute(int fd, const char *path, const char *attribute, const char *name,
                                bm_error *err)
{
    ssize_t size = getxattr(path, attribute, NULL, 0);
    char *value = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (size >= 0 && value == NULL) {
        return cli_no_memory(err);
    }
    size = value != NULL ? getxattr(path, attribute, value, (size_t)size) : -1;
    bool kept = size >= 0 && fsetxattr(fd, attribute, value, (size_t)size, 0) == 0;
    bm_status status = kept || !must_be_kept(attribute) ? BM_OK : cannot_keep(name, attribute, err);
    free(value);
    return status;
}

/* A file system without attributes has none to keep. */
static bm_status keep_list(int fd, const char *path, const char *name, bm_error *err)
{
    ssize_t size = listxattr(path, NULL, 0);
    char *list = size > 0 ? malloc((size_t)size) : NULL;
    if (size <= 0) {
        return BM_OK;
    }
    if (list == NULL) {
        return cli_no_memory(err);
    }
    size = listxattr(path, list, (size_t)size);
    bm_status status = BM_OK;
    for (ssize_t at = 0; at < size && status == BM_OK; at += (ssize_t)strlen(list + at) + 1) {
        status = keep_attribute(fd, path, list + at, name, err);
    }
    free(list);
    return status;
}

bm_status cli_keep_attributes(int fd, const char *path, const struct stat *before, const char *name,
                              bm_error *err)
{
    mode_t mode = before->st_mode & 07777;
    if (fchown(fd, before->st_uid, before->st_gid) != 0 &&
        fchown(fd, (uid_t)-1, before->st_gid) != 0) {
        mode &= 01777;
    }
    CLI_TRY(keep_list(fd, path, name, err));
    /* After the list: of a file that has one, the mode's bits of the group are its mask. */
    return fchmod(fd, mode) == 0 ? BM_OK : cli_fail_errno(err, BM_LIMIT, name);
}
