// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the module must not do.  Rules of this project, beside those that sparse and
// checkpatch have; `lint cocci` runs them on each file.

// An allocation that can be larger than a page must not be looked for by size * count.
@alloc@
expression n, s, flags;
position p;
@@
(
kmalloc@p(n * s, flags)
|
kzalloc@p(n * s, flags)
|
kvmalloc@p(n * s, flags)
)

@script:python@
p << alloc.p;
@@
print("%s:%s: a product as size: kcalloc() looks for the overflow" % (p[0].file, p[0].line))

// A reference that was taken before a look that fails is put on the way out.
@leak exists@
expression p, i, E;
identifier t;
statement S;
position p1, p2;
@@
t@p1 = get_pid_task(p, i);
if (!t) S
... when != put_task_struct(t)
    when != E = t
return@p2 ...;

@script:python@
p1 << leak.p1;
p2 << leak.p2;
@@
print("%s:%s: returns with the task of line %s" % (p2[0].file, p2[0].line, p1[0].line))

// Nothing that sleeps between these.
@atomic exists@
position p, q;
expression lock;
@@
(
rcu_read_lock@p();
|
spin_lock@p(lock);
|
task_lock@p(lock);
)
... when != rcu_read_unlock()
    when != spin_unlock(...)
    when != task_unlock(...)
(
mutex_lock@q(...);
|
mmap_read_lock@q(...);
|
mmput@q(...);
|
cond_resched@q();
|
copy_to_user@q(...)
|
copy_from_user@q(...)
|
kmalloc@q(..., GFP_KERNEL)
|
kzalloc@q(..., GFP_KERNEL)
)

@script:python@
p << atomic.p;
q << atomic.q;
@@
print("%s:%s: may sleep, with the lock of line %s" % (q[0].file, q[0].line, p[0].line))

// A result of copy_*_user() that nobody looks at.
@copy@
position p;
@@
(
 copy_to_user@p(...);
|
 copy_from_user@p(...);
)

@script:python@
p << copy.p;
@@
print("%s:%s: the result of a copy is not looked at" % (p[0].file, p[0].line))

// An error pointer that is taken for NULL, and the reverse.
@errptr exists@
expression x;
position p;
@@
(
x = ERR_PTR(...)
|
x = anon_inode_getfile(...)
)
... when != IS_ERR(x)
    when != x = ...
if@p (\( !x \| x == NULL \)) { ... }

@script:python@
p << errptr.p;
@@
print("%s:%s: an error pointer is not NULL" % (p[0].file, p[0].line))
