/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a program takes its command line and environment, as flat tables: what policy/interpreters
 * is compiled to and what common/abi/scan.h walks. Offsets and fixed widths only, so that the very
 * same bytes serve user space and a BPF program. ihard-interpreter(5) explains the words.
 *
 * Layout of a compiled file: header, hash table, programs, rules, variables, strings, in this
 * order.
 */
#pragma once

#include "common/abi/types.h"

#define IH_GRAMMAR_MAGIC   0x6d72476472616869ULL /* "ihardGrm" */
#define IH_GRAMMAR_VERSION 3

#define IH_GRAMMARS_MAX	      1024
#define IH_GRAMMAR_RULES_MAX  65536
#define IH_GRAMMAR_VARS_MAX   65536
#define IH_GRAMMAR_SLOTS_MAX  12 /* operand rules of one grammar */
#define IH_GRAMMAR_FLAGS_MAX  32
#define IH_GRAMMAR_PROBES_MAX 32 /* longest run in the hash table; checked when it is read */
#define IH_SCAN_NAME_MAX      80 /* longest option, variable or key that a rule can name */
#define IH_SCAN_PREFIX_MAX    48 /* longest rule that ends in '*' */
#define IH_SCAN_PENDING_MAX   4	 /* values that one cluster can ask for: bash -oOo a b c */
#define IH_SCAN_KEYS_MAX      4	 /* nesting of keyed values and tables */

/* What an argument, a value or a variable is to the program. */
enum ih_role {
	IH_ROLE_UNCLEAR = 0, /* nobody knows: the whole invocation is unclear */
	IH_ROLE_HARMLESS,    /* no code comes from it */
	IH_ROLE_INLINE,	     /* code in the interpreter's language */
	IH_ROLE_SHELL,	     /* a command line that a shell will run */
	IH_ROLE_SCRIPT,	     /* the file of code that this is all about */
	IH_ROLE_FILE,	     /* one more file of code */
	IH_ROLE_MODULE,	     /* the module that this is all about */
	IH_ROLE_REQUIRE,     /* one more module, or a file with a '/' in its name */
	IH_ROLE_PATH,	     /* a list of directories searched for code */
	IH_ROLE_LIBRARY,     /* native code */
	IH_ROLE_CONFIG,	     /* a file of settings that can name code */
	IH_ROLE_PROGRAM,     /* a program that may be started */
	IH_ROLE_OPTIONS,     /* more options of the same program, to be split */
	IH_ROLE_SPLIT,	     /* more arguments, put in this place: env -S */
	IH_ROLE_KEYED,	     /* key=value; what it means stands in a table of keys */
	IH_ROLE_PASTED,	     /* text put into code: a plain module name, or else inline */
	IH_ROLE_COMMAND,     /* a program and its arguments begin here */
	IH_ROLE_SUBCOMMAND,  /* a word that selects what the rest means */
	IH_ROLE_ASSIGNMENT,  /* NAME=VALUE for the inner environment, or else the next slot */
	IH_ROLE_UNSET,	     /* a variable that the inner environment will not have */
	IH_ROLE_CLEAR,	     /* the inner environment begins empty */
	IH_ROLE_CHDIR,	     /* names are relative to this directory */
	IH_ROLE_CHROOT,	     /* names mean something else from here: unclear */
	IH_ROLE_INFO,	     /* prints something and exits before any code runs */
	IH_ROLE_ARGUMENTS,   /* this and what follows belong to the code */
	IH_ROLE_DIRECTORY,   /* implicit: a directory that is searched */
	IH_ROLE_IMPLICIT,    /* implicit: a file that is read if it is there */
	IH_ROLE_REPLACE,     /* text that the launcher replaces in the inner command: xargs -I */
	IH_ROLE_MAX_,
};

/* Where an option's value stands. */
enum ih_shape {
	IH_SHAPE_NONE = 0,
	IH_SHAPE_REQUIRED, /* -xVALUE, -x VALUE, --name=VALUE, --name VALUE */
	IH_SHAPE_ATTACHED, /* -x[VALUE], --name[=VALUE]; never the next argument */
	IH_SHAPE_SEPARATE, /* always the next argument; attached text is an unknown option */
	IH_SHAPE_NEXT,	   /* the next argument, while the cluster goes on: bash -o */
	IH_SHAPE_MAYBE,	   /* the next argument unless it begins with '-': node -p */
	IH_SHAPE_NUMBER,   /* octal, decimal or x-hex digits, then the cluster goes on: perl -0777ne
			    */
	IH_SHAPE_CHAR,	   /* at most one character, then the cluster goes on: ruby -Ku */
	IH_SHAPE_UNTIL,	   /* arguments up to ';' or '+': find -exec */
	IH_SHAPE_EQUALS,   /* --name=VALUE only */
	IH_SHAPE_PAIR,	   /* two next arguments, the second is the value: --arg NAME VALUE */
	IH_SHAPE_MAX_,
};

/* What happens after the argument. */
enum ih_then {
	IH_THEN_GO_ON = 0,
	IH_THEN_STOP,	  /* the rest belongs to the code */
	IH_THEN_OPERANDS, /* no more options */
	IH_THEN_GRAMMAR,  /* the rest is read by another grammar: target */
	IH_THEN_MAX_,
};

/* How text is looked at before it counts. */
enum ih_test {
	IH_TEST_NONE = 0,
	IH_TEST_EXPANSION, /* counts only if a shell would run something when it expands it */
	IH_TEST_FUNCTION,  /* counts only if it is an exported function: "() {…" */
	IH_TEST_SED,	   /* pure if the sed script neither runs nor writes anything */
	IH_TEST_AWK,
	IH_TEST_SQL,
	IH_TEST_WORD,	    /* harmless if it is a plain word without shell or make syntax */
	IH_TEST_NUMBER,	    /* harmless if it is a number, else unclear */
	IH_TEST_TRUE,	    /* counts unless it is empty or "0" */
	IH_TEST_DOTTED,	    /* counts only if a name with a dot follows a colon: python -W */
	IH_TEST_PATTERN,    /* counts unless it is a plain pattern: perl -F */
	IH_TEST_ASSIGNMENT, /* counts unless it is a plain word, and without '/' behind a '=' */
	IH_TEST_MAKE,	    /* counts only if make runs something when it expands it */
	IH_TEST_WORDS,	    /* counts unless it is plain words and blanks */
	IH_TEST_AT_FILE,    /* "@name" is a file */
	IH_TEST_PIPE,	    /* counts only if it begins with '|' or '!': a command for a shell */
	IH_TEST_CURSOR,	    /* counts unless it is empty or a number: vim +N */
	IH_TEST_JAVA,	    /* a class, or a source file by its suffix */
	IH_TEST_TRANSPORT,  /* counts only if git would start a helper for it: ext::sh -c … */
	IH_TEST_AT_NAME,    /* counts only behind '@': gcc @file */
	IH_TEST_LESSPIPE,   /* counts unless it starts lesspipe, as distributions set it */
	IH_TEST_LESS,	    /* counts unless it is options that only change how less looks */
	IH_TEST_LINKER,	    /* makes unclear if it loads plugins or reads more options: gcc -Wl, */
	IH_TEST_REQUIRED,   /* a directory counts only if a module that the script names is in it */
	IH_TEST_CLASSES,    /* … a class or package that the Java source names */
	IH_TEST_PACKAGE,    /* unless a package's name and version, without a place */
	IH_TEST_MAX_,
};

/* How an option string is cut into words. */
enum ih_splitting {
	IH_SPLITTING_SPACES = 0, /* blanks only */
	IH_SPLITTING_QUOTES,	 /* blanks, "…" and '…': JDK_JAVA_OPTIONS */
	IH_SPLITTING_NODE,	 /* blanks, "…" with backslash: NODE_OPTIONS */
	IH_SPLITTING_ENV,	 /* GNU env -S */
	IH_SPLITTING_MAKE,	 /* MAKEFLAGS: letters without a dash first */
	IH_SPLITTING_DASHED,	 /* blanks; a word without a dash gets one: RUBYOPT, PERL5OPT */
	IH_SPLITTING_RESPONSE,	 /* blanks, "…" and '…', backslash: libiberty's @file */
	IH_SPLITTING_MAX_,
};

/* Flags that every grammar knows; a file's own names follow from IH_FLAG_OWN. */
enum ih_grammar_flag {
	IH_FLAG_TTY = 1 << 0,	      /* stdin is a terminal */
	IH_FLAG_LOGIN = 1 << 1,	      /* argv[0] begins with '-', or an option says so */
	IH_FLAG_CODE = 1 << 2,	      /* inline code was given, or will be the first operand */
	IH_FLAG_SCRIPT = 1 << 3,      /* a script or module was given */
	IH_FLAG_STDIN = 1 << 4,	      /* code is read from stdin because an option says so */
	IH_FLAG_INTERACTIVE = 1 << 5, /* behaves as if a person sat there */
	IH_FLAG_REPL = 1 << 6,	      /* reads code from stdin after everything else */
	IH_FLAG_CHECK = 1 << 7,	      /* looks at the main code but does not run it */
	IH_FLAG_OPERAND = 1 << 8,     /* there was an operand */
	IH_FLAG_COMMAND = 1 << 9,     /* there is an inner command */
	IH_FLAG_INFO = 1 << 10,
	IH_FLAG_ENVIRONMENT = 1 << 11,	/* what is read came from an option string */
	IH_FLAG_STRICT_ORDER = 1 << 12, /* POSIXLY_CORRECT: an option after an operand is unclear */
	IH_FLAG_FINAL = 1 << 13,	/* the second walk: flags are as the first one left them */
	IH_FLAG_OWN_SHIFT = 14,
};

/* Properties of a grammar. */
enum ih_style {
	IH_STYLE_CLUSTER = 1 << 0,     /* -abc is -a -b -c */
	IH_STYLE_LONG = 1 << 1,	       /* --name, --name=value */
	IH_STYLE_WORD = 1 << 2,	       /* -name value */
	IH_STYLE_WORD_EQUALS = 1 << 3, /* -name=value */
	IH_STYLE_PLUS = 1 << 4,	       /* +x is an option */
	IH_STYLE_PERMUTE = 1 << 5,     /* options are taken after operands */
	IH_STYLE_FOLD = 1 << 6,	       /* '_' is '-' within a long option's name */
	IH_STYLE_NOCASE = 1 << 7,      /* keys compare without case */
	IH_STYLE_JIT = 1 << 8,	       /* writes machine code at run time: W^X is impossible */
	IH_STYLE_PART = 1 << 9,	       /* not a program of its own: a sub-command, a table */
	IH_STYLE_LAUNCHER = 1 << 10,   /* runs other programs, has no language of its own */
	IH_STYLE_BARE = 1 << 11, /* the first argument is options even without a dash: tar xf */
	IH_STYLE_ABBREVIATE = 1 << 12,	/* known to the compiler only: --ver for --version */
	IH_STYLE_ENDLESS = 1 << 13,	/* "--" is no end of options but an operand */
	IH_STYLE_MULTI = 1 << 14,	/* many programs in one file: argv[0] is the first word */
	IH_STYLE_RELOCATABLE = 1 << 16, /* looks for code of its own beside argv[0] */
	IH_STYLE_LOADER = 1 << 17,	/* maps the program that it is given: no exec follows */
	IH_STYLE_RESPONSES = 1 << 18,	/* "@file" stands for the words in that file */
};

/* What a look-up is for; part of what is hashed. */
enum ih_scope {
	IH_SCOPE_OPTION = 1,
	IH_SCOPE_VARIABLE,
	IH_SCOPE_KEY,  /* a key, sub-command or module in a table */
	IH_SCOPE_FILE, /* a file that is code by its name: "Makefile", "*.py" */
};

/* One rule: an option, an operand's slot, a variable, a key, an implicit file, an ending. */
struct ih_rule_entry {
	__u32 name;	      /* string: how it is spelled, or a title for slots */
	__u32 must, must_not; /* flags: the rule counts only if … */
	__u32 set, clear;     /* flags: what having met it means */
	__u32 target;  /* grammar: where keys are, where the rest is read; for PATH a string */
	__u32 text;    /* string: an implicit file's or directory's name, a splitting rule's note */
	__u16 grammar; /* whose rule it is */
	__u8 role;     /* enum ih_role */
	__u8 shape;    /* enum ih_shape */
	__u8 then;     /* enum ih_then */
	__u8 test;     /* enum ih_test */
	__u8 splitting;	   /* enum ih_splitting */
	__u8 mode;	   /* enum ih_mode, for endings */
	__u8 separator[2]; /* of a list; 0: none */
	__u16 bits;	   /* enum ih_rule_bits */
};
_Static_assert(sizeof(struct ih_rule_entry) == 40, "rules are file format");

enum ih_rule_bits {
	IH_RULE_REPEAT = 1 << 0,     /* a slot that takes every further operand */
	IH_RULE_SEARCH = 1 << 1,     /* a bare name is looked up along PATH */
	IH_RULE_EMPTY_HERE = 1 << 2, /* an empty element of the list is the working directory */
	IH_RULE_TEMPLATE = 1 << 3,   /* elements hold '?': the directory before it counts */
	IH_RULE_DASH_STDIN = 1 << 4, /* "-" is stdin */
	IH_RULE_OPTIONAL = 1 << 5,   /* not being there is fine */
	IH_RULE_SELECTS = 1 << 6,    /* a module: its name may select another grammar (target) */
	IH_RULE_MORE = 1 << 7,	     /* a command that gets more arguments from elsewhere: xargs */
	IH_RULE_WHOLE = 1 << 8,	     /* of a key: the text is key, separator and value */
};

struct ih_grammar_entry {
	__u32 name;	/* string */
	__u32 file;	/* string: the file that it was read from */
	__u32 patterns; /* string: names of the program, each ended by NUL, then one more NUL */
	__u32 style;
	__u32 first_slot, n_slots; /* rules */
	__u32 first_implicit, n_implicit;
	__u32 first_ending, n_endings;
	__u32 parent;		       /* the program that a part belongs to; itself otherwise */
	__u32 first_option, n_options; /* rules of options and variables, for listings */
	__u32 prefixes[2];	       /* bit n: a rule "…*" has n bytes before its '*' */
	__u32 letters; /* bit n: a pattern can begin with a character whose low five bits are n */
};
_Static_assert(sizeof(struct ih_grammar_entry) == 64, "grammars are file format");

/*
 * One spelling. The hash only finds it: the bytes are compared as well, because whoever writes a
 * command line can make FNV collide.
 */
struct ih_grammar_slot {
	__u64 hash; /* 0: free */
	__u32 rule;
	__u32 name; /* string, of which the first len bytes count: --ver of --version */
	__u16 len;
	__u16 grammar;
	__u8 scope;
	__u8 pad[3];
};
_Static_assert(sizeof(struct ih_grammar_slot) == 24, "hash table is file format");

/*
 * The hash table the other way round: who reads a variable by a rule of its own. Ordered by name,
 * so that an environment costs one look-up a variable and not one for each interpreter; names that
 * end in '*' stand behind all others, without it.
 */
struct ih_grammar_variable {
	__u32 name; /* string, of which the first len bytes count */
	__u16 len;
	__u16 grammar; /* the program, never a part of one */
};
_Static_assert(sizeof(struct ih_grammar_variable) == 8, "variables are file format");

struct ih_grammar_header {
	__u64 magic;
	__u32 version;
	__u32 size;				       /* of everything */
	__u32 n_grammars, n_rules, n_slots, n_strings; /* slots: a power of two; strings: bytes */
	__u32 off_grammars, off_rules, off_slots, off_strings;
	__u32 probes; /* longest run in the hash table */
	__u32 off_variables, n_variables;
	__u32 n_prefixes; /* of the variables, the last so many */
};
_Static_assert(sizeof(struct ih_grammar_header) == 64, "header is file format");

/* The tables as one map element: powers of two, so that an index can be masked. */
#define IH_TABLES_GRAMMARS 512
#define IH_TABLES_RULES	   16384
#define IH_TABLES_SLOTS	   65536
#define IH_TABLES_STRINGS  262144

struct ih_flat_tables {
	__u32 n_grammars, n_rules, n_slots, n_strings;
	__u32 probes;
	__u32 pad;
	struct ih_grammar_slot slots[IH_TABLES_SLOTS];
	struct ih_rule_entry rules[IH_TABLES_RULES];
	struct ih_grammar_entry grammars[IH_TABLES_GRAMMARS];
	char strings[IH_TABLES_STRINGS];
};

#ifdef IH_SCAN_IN_KERNEL
#define ih_tables ih_flat_tables
#else

/* The tables, wherever they lie. */
struct ih_tables {
	const struct ih_grammar_entry *grammars;
	const struct ih_rule_entry *rules;
	const struct ih_grammar_slot *slots;
	const char *strings;
	__u32 n_grammars, n_rules, n_slots, n_strings;
	__u32 probes;
};

/* Return: 0, or -1 when the tables are larger than the kernel's. @ret is all zero before. */
static inline int ih_tables_flatten(const struct ih_tables *t, struct ih_flat_tables *ret)
{
	if (t->n_grammars > IH_TABLES_GRAMMARS || t->n_rules > IH_TABLES_RULES ||
	    t->n_slots > IH_TABLES_SLOTS || t->n_strings > IH_TABLES_STRINGS)
		return -1;
	ret->n_grammars = t->n_grammars;
	ret->n_rules = t->n_rules;
	ret->n_slots = t->n_slots;
	ret->n_strings = t->n_strings;
	ret->probes = t->probes;
	__builtin_memcpy(ret->slots, t->slots, t->n_slots * sizeof(*t->slots));
	__builtin_memcpy(ret->rules, t->rules, t->n_rules * sizeof(*t->rules));
	__builtin_memcpy(ret->grammars, t->grammars, t->n_grammars * sizeof(*t->grammars));
	__builtin_memcpy(ret->strings, t->strings, t->n_strings);
	return 0;
}

#endif

/* FNV-1a, 64 bits: cheap, byte by byte, and so good for finding prefixes on the way. */
#define IH_HASH_START 0xcbf29ce484222325ULL
#define IH_HASH_PRIME 0x100000001b3ULL

static inline __u64 ih_hash_byte(__u64 hash, __u8 byte)
{
	return (hash ^ byte) * IH_HASH_PRIME;
}

static inline __u64 ih_hash_scope(__u32 grammar, __u8 scope)
{
	__u64 hash = IH_HASH_START;

	hash = ih_hash_byte(hash, (__u8)(grammar & 0xff));
	hash = ih_hash_byte(hash, (__u8)((grammar >> 8) & 0xff));
	return ih_hash_byte(hash, scope);
}
