/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All certificates of a bind line: which files its words and lists name, and reading them on all
 * processors, since keys take long to read.
 *
 * For:     contexts.
 * Owns:    nothing that stays.
 * Callers: context.c.
 * Thread:  builder, and helpers that end before it goes on.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/base/alloc.h"
#include "weir/config/parse.h"
#include "weir/os/file.h"
#include "private.h"

#define HELPERS_MAX     63
#define JOBS_PER_THREAD 64

/* A file to read for a use, or for a line of a crt-store. */
struct job {
    struct cert_use *use;  /* lent; gets the certificate */
    struct crt_load *load; /* the same */
    char *path;            /* owns; NULL: those of `load` */
    struct source_pos pos;
    char *error; /* owns; NULL: none */
};

/* The uses of a line while they are gathered. */
struct gathering {
    struct parse *parse;
    struct tls_context *context;
    struct cert_use **end;
    unsigned extras;
    struct source_pos pos;
    bool is_default, is_watched;
    struct job *jobs; /* owns */
    size_t count, cap;
    size_t next; /* the job that the next free thread takes; atomic */
};

static void
add_job(struct gathering *gathering, struct job job)
{
    if (gathering->count == gathering->cap) {
        gathering->cap = gathering->cap == 0 ? 16 : gathering->cap * 2;
        gathering->jobs = alloc_resize(gathering->jobs, gathering->cap * sizeof(*gathering->jobs));
    }
    gathering->jobs[gathering->count++] = job;
}

/* One of a crt-store is read already. */
static void
add_one(struct gathering *gathering, const char *path, struct cert_use *use)
{
    const struct crt_load *load = crt_load_find(gathering->parse->snapshot, path);

    if (use == NULL)
        use = cert_use_new(NULL);
    use->is_default = use->is_default || gathering->is_default;
    use->is_watched = gathering->is_watched || (load != NULL && load->is_watched);
    if (load != NULL && use->freshness == OCSP_UPDATE_DEFAULT)
        use->freshness = load->freshness;
    *gathering->end = use;
    gathering->end = &use->next;
    if (load == NULL) {
        add_job(gathering,
                (struct job){ .use = use, .path = alloc_copy(path), .pos = gathering->pos });
        return;
    }
    use->cert = load->cert;
    if (use->cert != NULL)
        tls_cert_hold(use->cert);
}

/* One kind of key each: "x.pem.rsa". False: none is there. */
static bool
add_bundle(struct gathering *gathering, const char *path)
{
    static const char *const endings[] = { ".ecdsa", ".rsa" };
    bool is_there = false;

    for (size_t i = 0; i < COUNT(endings); i++) {
        char name[PATH_MAX];

        if (snprintf(name, sizeof(name), "%s%s", path, endings[i]) >= PATH_MAX || !file_exists(name))
            continue;
        add_one(gathering, name, NULL);
        is_there = true;
    }
    return is_there;
}

static void
add_file(struct gathering *gathering, const char *path)
{
    bool is_bundle = (gathering->extras & EXTRA_BUNDLE) != 0 && !file_exists(path) &&
                     add_bundle(gathering, path);

    if (!is_bundle)
        add_one(gathering, path, NULL);
}

/* Files that belong to another one: "x.pem.key". */
static bool
is_companion(const char *path)
{
    static const char *const endings[] = { ".key", ".ocsp", ".issuer", ".sctl", ".dh" };

    for (size_t i = 0; i < COUNT(endings); i++) {
        if (str_ends(str_from(path), str_from(endings[i])))
            return true;
    }
    return false;
}

static bool
add_folder(struct gathering *gathering, const char *folder)
{
    struct error err = ERROR_INIT;
    struct file_list files;

    if (!file_list_read(&files, folder, &err))
        return parse_alert_at(gathering->parse, gathering->pos, "%s", err.text);
    for (size_t i = 0; i < files.count; i++) {
        if (file_is_regular(files.paths[i]) && !is_companion(files.paths[i]))
            add_file(gathering, files.paths[i]);
    }
    file_list_fini(&files);
    return true;
}

/* --- crt-list ------------------------------------------------------------------------------------ */

static bool
add_list_line(struct gathering *gathering, const char *list, struct str line, unsigned number)
{
    const struct tls_globals *globals = tls_globals_of(gathering->parse->snapshot);
    const char *base = globals->crt_base;
    struct error err = ERROR_INIT;
    char *path, full[PATH_MAX];
    struct cert_use *use = cert_use_parse(line, globals->ca_base, &path, &err);

    if (use == NULL && err.text[0] == '\0')
        return true;
    if (use == NULL)
        return parse_alert_at(gathering->parse, gathering->pos, "'%s', line %u: %s", list, number,
                              err.text);
    use->list = alloc_copy(list);
    use->line = number;
    if (path[0] == '/' || path[0] == '@')
        base = NULL;
    snprintf(full, sizeof(full), "%s%s%s", base == NULL ? "" : base, base == NULL ? "" : "/", path);
    add_one(gathering, full, use);
    alloc_free(path);
    return true;
}

static void
know_list(struct tls_context *context, const char *list)
{
    context->lists =
        alloc_resize(context->lists, (context->list_count + 1) * sizeof(*context->lists));
    context->lists[context->list_count++] = alloc_copy(list);
}

static bool
add_list(struct gathering *gathering, const char *list)
{
    struct error err = ERROR_INIT;
    size_t len;
    char *content = file_read(list, &len, &err);
    struct str rest = str_of(content, len);
    bool fine = true;

    if (content == NULL)
        return parse_alert_at(gathering->parse, gathering->pos, "%s", err.text);
    know_list(gathering->context, list);
    for (unsigned number = 1; fine && rest.ptr != NULL; number++)
        fine = add_list_line(gathering, list, str_split(&rest, '\n'), number);
    alloc_free(content);
    return fine;
}

/* Of crt and crt-list, or of default-crt. */
static bool
gather(struct gathering *gathering, const struct tls_file *file)
{
    gathering->pos = file->pos;
    gathering->is_default = file->is_default;
    gathering->is_watched = file->is_watched;
    if (file->is_list)
        return add_list(gathering, file->path);
    if (crt_load_find(gathering->parse->snapshot, file->path) != NULL) {
        add_one(gathering, file->path, NULL);
        return true;
    }
    if (file_is_folder(file->path))
        return add_folder(gathering, file->path);
    add_file(gathering, file->path);
    return true;
}

/* --- reading, on all processors ------------------------------------------------------------------ */

static struct tls_cert *
read_job(const struct gathering *gathering, const struct job *job, struct error *err)
{
    if (job->load != NULL)
        return tls_cert_load_files(job->load->name, &job->load->files, err);
    if (job->use->files != NULL)
        return tls_cert_load_files(job->path, job->use->files, err);
    if (job->path[0] != '@')
        return tls_cert_load(job->path, gathering->extras, err);
    error_set(err, "no crt-store declares a certificate '%s'", job->path);
    return NULL;
}

static void *
run_jobs(void *arg)
{
    struct gathering *gathering = arg;
    size_t at;

    while ((at = __atomic_fetch_add(&gathering->next, 1, __ATOMIC_RELAXED)) < gathering->count) {
        struct job *job = &gathering->jobs[at];
        struct error err = ERROR_INIT;
        struct tls_cert *cert = read_job(gathering, job, &err);

        if (job->load != NULL)
            job->load->cert = cert;
        else
            job->use->cert = cert;
        if (cert == NULL)
            job->error = alloc_copy(err.text);
    }
    tls_cert_reader_end();
    return NULL;
}

/* Helpers take no signals: those are for the threads that wait for them. */
static unsigned
start_helpers(struct gathering *gathering, pthread_t *helpers)
{
    size_t wanted = gathering->count / JOBS_PER_THREAD;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = 0;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (count < HELPERS_MAX && count < wanted && (long)count + 1 < processors &&
           pthread_create(&helpers[count], NULL, run_jobs, gathering) == 0)
        count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return count;
}

static bool
load_all(struct gathering *gathering)
{
    pthread_t helpers[HELPERS_MAX];
    unsigned count = start_helpers(gathering, helpers);
    bool fine = true;

    run_jobs(gathering);
    for (unsigned i = 0; i < count; i++)
        pthread_join(helpers[i], NULL);
    for (size_t i = 0; i < gathering->count; i++) {
        const struct job *job = &gathering->jobs[i];

        if (job->error == NULL)
            continue;
        if (job->use != NULL && job->use->list != NULL)
            fine = parse_alert_at(gathering->parse, job->pos, "'%s', line %u: %s", job->use->list,
                                  job->use->line, job->error);
        else
            fine = parse_alert_at(gathering->parse, job->pos, "%s", job->error);
    }
    return fine;
}

static void
free_jobs(struct gathering *gathering)
{
    for (size_t i = 0; i < gathering->count; i++) {
        alloc_free(gathering->jobs[i].path);
        alloc_free(gathering->jobs[i].error);
    }
    alloc_free(gathering->jobs);
}

/* --- a bind line --------------------------------------------------------------------------------- */

unsigned
tls_extras_of(const struct snapshot *snapshot)
{
    const struct tls_globals *globals = tls_globals_of(snapshot);

    return globals->extras | (globals->extras_del_ext ? EXTRA_DEL_EXT : 0U);
}

static bool
has_list(const struct tls_context *context, const char *list)
{
    for (unsigned i = 0; i < context->list_count; i++) {
        if (strcmp(context->lists[i], list) == 0)
            return true;
    }
    return false;
}

/* The lines ssl-f-use of its frontend are a list for all of its bind lines. */
static bool
gather_front_uses(struct gathering *gathering, const void *frontend)
{
    const struct tls_globals *globals = tls_globals_of(gathering->parse->snapshot);
    unsigned number = 0;

    for (const struct tls_front_use *front = globals->front_uses; front != NULL;
         front = front->next) {
        if (front->frontend != frontend)
            continue;
        if (!has_list(gathering->context, front->list))
            know_list(gathering->context, front->list);
        gathering->pos = front->pos;
        gathering->is_default = gathering->is_watched = false;
        if (!add_list_line(gathering, front->list, str_from(front->text), ++number))
            return false;
    }
    return true;
}

static bool
gather_all(struct gathering *gathering, const struct tls_bind_conf *conf)
{
    for (int pass = 0; pass < 2; pass++) { /* the default comes first */
        for (const struct tls_file *file = conf->files; file != NULL; file = file->next) {
            if (file->is_default == (pass == 0) && !gather(gathering, file))
                return false;
        }
    }
    return gather_front_uses(gathering, conf->frontend);
}

bool
cert_loader_run_loads(struct parse *parse)
{
    struct gathering gathering = { .parse = parse };
    bool fine;

    for (struct crt_load *load = tls_globals_of(parse->snapshot)->loads; load != NULL;
         load = load->next)
        add_job(&gathering, (struct job){ .load = load, .pos = load->pos });
    fine = load_all(&gathering);
    free_jobs(&gathering);
    return fine;
}

bool
cert_loader_run(struct parse *parse, struct tls_context *context, const struct tls_bind_conf *conf)
{
    struct gathering gathering = { .parse = parse, .context = context, .end = &context->uses,
                                   .extras = tls_extras_of(parse->snapshot) };
    bool fine = gather_all(&gathering, conf) && load_all(&gathering);

    free_jobs(&gathering);
    if (!fine)
        return false;
    for (const struct cert_use *use = context->uses; use != NULL; use = use->next) {
        if (use->cert == NULL)
            return false; /* of a crt-store, and reported there */
    }
    if (context->uses == NULL && !conf->strict_sni)
        return parse_alert_at(parse, conf->pos, "'ssl' needs a certificate: 'crt' and a file, or a folder with some");
    context->names = sni_table_make(context->uses);
    context->names->is_in_context = true;
    return true;
}
