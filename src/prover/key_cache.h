// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The commitment of a program's preprocessed columns in a file, so that the next process need not
// hash them again: nearly all of the time that opening a program takes.
//
// A file is looked for by the name fixed-DIGEST.tree, the digest of class, hash and cells, and
// holds the nodes above the leaves of the commitment's tree. It is a shortcut, never an authority:
//  - every byte of it is checked: the head is the one expected, all elements are canonical, and the
//    nodes hash to the root that the file names;
//  - the tree is tied to the cells, which come from the program itself, by hashing the leaves under
//    64 nodes again (whir_restore). So another program's tree is found out, whoever put it there.
// What is left to somebody who can write to the folder is a tree that is wrong in a few places: its
// root is the root of no program, so the key is nobody's, and all who have the program's key refuse
// the proofs. Keys for verifiers are therefore made without a cache (zisk vk, zisk verify).
//
// A file that fails a check is reported in the log, made anew and replaced.
#include "prover/prover_key.h"

// Restores k->preprocessed_commitment from a file in the folder. *found: false when there is no
// file or it was refused. ZK_ENOMEM, ZK_ECANCELED.
MUST_CHECK status key_cache_load(bool *found, prover_key *k, const char *folder, pool *threads,
                                 const cancel_flag *cancel);

// Writes the file (whole or not at all; the folder is made when it is missing). A folder that
// cannot be written to is reported in the log and otherwise ignored: the key does not need it.
void key_cache_store(const prover_key *k, const char *folder);

// Path of the file, for tests and messages. ZK_ENOMEM.
MUST_CHECK status key_cache_path(byte_buffer *out, const prover_key *k, const char *folder);
