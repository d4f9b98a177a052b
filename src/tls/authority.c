/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of authorities or of revoked certificates (ca-file, ca-verify-file, crl-file), in memory.
 *
 * For:     contexts, which verify against them; the runtime socket, which shows and replaces them.
 * Owns:    certificates and lists; counted, immutable once read.
 * Thread:  builder and control read them; any thread may drop the last one.
 */
#include <openssl/pem.h>
#include <string.h>

#include "weir/base/alloc.h"
#include "weir/base/crash.h"
#include "weir/os/file.h"
#include "private.h"

struct auth_file *
auth_file_new(const char *path)
{
    struct auth_file *file = alloc_zero(sizeof(*file));

    file->users = 1;
    file->path = alloc_copy(path);
    file->certs = sk_X509_new_null();
    file->lists = sk_X509_CRL_new_null();
    MUST(file->certs != NULL && file->lists != NULL);
    return file;
}

void
auth_file_hold(struct auth_file *file)
{
    __atomic_add_fetch(&file->users, 1, __ATOMIC_RELAXED);
}

void
auth_file_drop(struct auth_file *file)
{
    if (file == NULL || __atomic_sub_fetch(&file->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    sk_X509_pop_free(file->certs, X509_free);
    sk_X509_CRL_pop_free(file->lists, X509_CRL_free);
    alloc_free(file->path);
    alloc_free(file);
}

void
auth_file_copy(struct auth_file *to, const struct auth_file *from)
{
    for (int i = 0; i < sk_X509_num(from->certs); i++) {
        X509_up_ref(sk_X509_value(from->certs, i));
        MUST(sk_X509_push(to->certs, sk_X509_value(from->certs, i)) > 0);
    }
    for (int i = 0; i < sk_X509_CRL_num(from->lists); i++) {
        X509_CRL_up_ref(sk_X509_CRL_value(from->lists, i));
        MUST(sk_X509_CRL_push(to->lists, sk_X509_CRL_value(from->lists, i)) > 0);
    }
}

/* Keys that stand between them are passed over. */
bool
auth_file_add_pem(struct auth_file *file, struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    STACK_OF(X509_INFO) *infos = bio == NULL ? NULL : PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
    int count = 0;

    for (int i = 0; infos != NULL && i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);

        if (info->x509 != NULL) {
            MUST(sk_X509_push(file->certs, info->x509) > 0);
            info->x509 = NULL;
            count++;
        }
        if (info->crl != NULL) {
            MUST(sk_X509_CRL_push(file->lists, info->crl) > 0);
            info->crl = NULL;
            count++;
        }
    }
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    BIO_free(bio);
    return count > 0;
}

static bool
read_one(struct auth_file *file, const char *path, const char *word, struct error *err)
{
    size_t len;
    char *content;
    bool fine;

    if (!file_exists(path))
        return error_set(err, "'%s %s': there is no such file", word, path);
    content = file_read(path, &len, err);
    if (content == NULL)
        return false;
    fine = auth_file_add_pem(file, str_of(content, len));
    alloc_free(content);
    return fine || error_set(err, "'%s %s': no certificate or list of revoked ones: %s", word, path,
                             tls_error_text());
}

static bool
read_folder(struct auth_file *file, const char *folder, const char *word, struct error *err)
{
    struct file_list files;
    bool fine = true;

    if (!file_list_read(&files, folder, err))
        return false;
    for (size_t i = 0; fine && i < files.count; i++)
        fine = !file_is_regular(files.paths[i]) || read_one(file, files.paths[i], word, err);
    file_list_fini(&files);
    return fine;
}

struct auth_file *
auth_file_read(const char *path, const char *word, struct error *err)
{
    struct auth_file *file = auth_file_new(path);

    if (file_is_folder(path) ? read_folder(file, path, word, err) : read_one(file, path, word, err))
        return file;
    auth_file_drop(file);
    return NULL;
}

bool
auth_file_add_to(const struct auth_file *file, X509_STORE *store)
{
    for (int i = 0; i < sk_X509_num(file->certs); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(file->certs, i)) != 1)
            return false;
    }
    for (int i = 0; i < sk_X509_CRL_num(file->lists); i++) {
        if (X509_STORE_add_crl(store, sk_X509_CRL_value(file->lists, i)) != 1)
            return false;
    }
    return true;
}
