# SPDX-License-Identifier: LGPL-2.1-or-later
# As much of nixpkgs' lib as ihard's module reads, so that it can be evaluated where there is no nixpkgs.
# Names and meanings are nixpkgs'; where nixpkgs is at hand the tests take that instead.
let
  inherit (builtins)
    all any attrNames attrValues concatLists concatStringsSep elem elemAt filter foldl' genList head isAttrs isBool
    isFunction isInt isList isString length listToAttrs map mapAttrs removeAttrs replaceStrings sort stringLength substring tail
    toJSON;

  optional = condition: value: if condition then [ value ] else [ ];
  concatMap = f: list: concatLists (map f list);
  nameValuePair = name: value: { inherit name value; };
  filterAttrs = keep: set:
    listToAttrs (concatMap (name: optional (keep name set.${name}) (nameValuePair name set.${name})) (attrNames set));
  unique = foldl' (seen: e: if elem e seen then seen else seen ++ [ e ]) [ ];
  showOption = concatStringsSep ".";

  # ---- properties: what mkIf, mkMerge and priorities leave behind -------------------------------------
  kind = value: if isAttrs value then value._type or "" else "";
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkOrder = priority: content: { _type = "order"; inherit priority content; };

  discharge = value:
    if kind value == "if" then (if value.condition then discharge value.content else [ ])
    else if kind value == "merge" then concatMap discharge value.contents
    else [ value ];

  # A condition around a set becomes a condition around each of its attributes, so that reading one
  # option does not need the conditions of others.
  pushDown = value:
    if kind value == "if" then map (mapAttrs (_: mkIf value.condition)) (pushDown value.content)
    else if kind value == "merge" then concatMap pushDown value.contents
    else [ value ];

  strongest = values:
    let
      priority = v: if kind v == "override" then v.priority else 100;
      best = foldl' (a: v: if priority v < a then priority v else a) 9999 values;
    in
    map (v: if kind v == "override" then v.content else v) (filter (v: priority v == best) values);

  inOrder = values:
    let at = v: if kind v == "order" then v.priority else 1000; in
    map (v: if kind v == "order" then v.content else v) (sort (a: b: at a < at b) values);

  # ---- types: what a definition must be, and how several become one ------------------------------------
  one = where: values:
    if all (v: v == head values) values then head values
    else throw "The option `${showOption where}' has conflicting definition values.";
  simple = name: check: { inherit name check; merge = one; };
  attributes = element: where: values:
    let
      at = name: concatMap discharge (concatMap (set: optional (set ? ${name}) set.${name}) values);
      given = filterAttrs (name: _: at name != [ ]) (foldl' (a: b: a // b) { } values);
    in
    mapAttrs (name: _: mergeOf element (where ++ [ name ]) (at name)) given;
  mergeOf = type: where: definitions:
    let
      values = inOrder (strongest (concatMap discharge definitions));
      wrong = filter (v: !type.check v) values;
    in
    if wrong != [ ] then throw "A definition for option `${showOption where}' is not of type `${type.name}'."
    else type.merge where values;

  types = rec {
    bool = simple "boolean" isBool;
    str = simple "string" isString;
    int = simple "signed integer" isInt;
    ints.positive = simple "positive integer" (v: isInt v && v > 0);
    ints.unsigned = simple "unsigned integer" (v: isInt v && v >= 0);
    package = simple "package" (v: isAttrs v || isString v);
    lines = simple "strings concatenated with newlines" isString // { merge = _: concatStringsSep "\n"; };
    enum = values: simple "one of ${toJSON values}" (v: elem v values);
    nullOr = type: {
      name = "null or ${type.name}";
      check = v: v == null || type.check v;
      merge = where: values: if all (v: v == null) values then null else type.merge where values;
    };
    listOf = type: {
      name = "list of ${type.name}";
      check = isList;
      merge = where: values: map (v: mergeOf type where [ v ]) (concatLists values);
    };
    attrsOf = type: { name = "attribute set of ${type.name}"; check = isAttrs; merge = attributes type; };
    anything = {
      name = "anything";
      check = _: true;
      merge = where: values:
        if all (v: isAttrs v && !(v ? drvPath)) values then attributes anything where values
        else if all isList values then concatLists values
        else one where values;
    };
    submodule = module: {
      name = "submodule";
      check = v: isAttrs v || isFunction v;
      merge = where: values: (evalModules { modules = [ module ] ++ values; prefix = where; }).config;
    };
  };

  # ---- modules ---------------------------------------------------------------------------------------------
  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      args = { inherit lib config options; } // specialArgs;
      load = module:
        let
          body = if isAttrs module || isFunction module then module else import module;
          set = if isFunction body then body args else body;
          long = set ? options || set ? config;
        in
        concatMap load (set.imports or [ ])
        ++ [ {
          file = if isAttrs module || isFunction module then null else toString module;
          options = set.options or { };
          config = if long then set.config or { } else removeAttrs set [ "imports" ];
        } ];
      # A file that is imported twice counts once.
      loaded = foldl' (sofar: m: if m.file != null && any (s: s.file == m.file) sofar then sofar else sofar ++ [ m ])
        [ ] (concatMap load modules);

      join = where: trees:
        mapAttrs (name: _:
          let found = concatMap (t: optional (t ? ${name}) t.${name}) trees; in
          if all (o: kind o == "option") found && length found == 1 then head found
          else if any (o: kind o == "option") found
          then throw "The option `${showOption (where ++ [ name ])}' is declared twice."
          else join (where ++ [ name ]) found)
          (foldl' (a: b: a // b) { } trees);
      options = join prefix (map (m: m.options) loaded);

      valueOf = where: option: definitions:
        let
          all' = definitions ++ optional (option ? default) (mkOverride 1500 option.default);
          effective = concatMap discharge all';
        in
        if effective == [ ] then throw "The option `${showOption where}' is used but not defined."
        else if (option.readOnly or false) && concatMap discharge definitions != [ ]
        then throw "The option `${showOption where}' is read-only."
        else mergeOf (option.type or types.anything) where effective;

      collect = where: tree: definitions:
        let
          sets = concatMap pushDown definitions;
          given = foldl' (a: b: a // b) { } sets;
          strange = filter (name: !(tree ? ${name})) (attrNames given);
          at = name: concatMap (set: optional (set ? ${name}) set.${name}) sets;
        in
        if strange != [ ]
        then throw "The option `${showOption (where ++ [ (head strange) ])}' does not exist."
        else mapAttrs (name: sub:
          if kind sub == "option" then valueOf (where ++ [ name ]) sub (at name)
          else collect (where ++ [ name ]) sub (at name)) tree;
      config = collect prefix options (map (m: m.config) loaded);
    in
    { inherit config options; };

  lib = {
    inherit
      all any concatMap concatStringsSep elem evalModules filter filterAttrs mapAttrs mkIf mkMerge mkOrder mkOverride
      nameValuePair optional showOption types unique;
    inherit (builtins) attrNames attrValues concatLists head length;
    mkOption = option: { _type = "option"; } // option;
    mkEnableOption = what: lib.mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    mkBefore = mkOrder 500;
    mkAfter = mkOrder 1500;
    literalExpression = text: { _type = "literalExpression"; inherit text; };
    literalMD = text: { _type = "literalMD"; inherit text; };
    concatStrings = concatStringsSep "";
    concatMapStrings = f: list: concatStringsSep "" (map f list);
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
    optionals = condition: list: if condition then list else [ ];
    optionalString = condition: text: if condition then text else "";
    hasPrefix = start: text: substring 0 (stringLength start) text == start;
    escapeShellArg = text: "'" + replaceStrings [ "'" ] [ "'\\''" ] (toString text) + "'";
    makeBinPath = packages: concatStringsSep ":" (map (p: "${p}/bin") packages);
    toUpper = replaceStrings [ "a" "b" "e" "i" "r" "s" "x" ] [ "A" "B" "E" "I" "R" "S" "X" ];
    fileContents = file: builtins.replaceStrings [ "\n" ] [ "" ] (builtins.readFile file);
    cleanSourceWith = { src, filter }: builtins.path { path = src; inherit filter; name = "source"; };
    licenses = { lgpl21Plus = { }; gpl2Only = { }; bsd2 = { }; };
    optionAttrSetToDocList = options:
      let
        walk = where: tree: concatMap (name:
          let o = tree.${name}; here = where ++ [ name ]; in
          if kind o != "option" then walk here o
          else optional (!(o.internal or false)) ({
            name = showOption here;
            type = o.type.name;
            inherit (o) description;
          }
          // (if o ? defaultText then { default = o.defaultText; } else if o ? default then { inherit (o) default; } else { })
          // (if o ? example then { inherit (o) example; } else { }))) (attrNames tree);
      in
      walk [ ] options;
  };
in
lib
