-- What a script sees, for lua-compare.sh: the same under weir and under haproxy 2.6, line by line.
local out = {}
local function show(value, depth)
    if type(value) ~= "table" then return type(value) .. ":" .. tostring(value) end
    if (depth or 0) > 3 then return "{...}" end
    local keys, parts = {}, {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do parts[#parts + 1] = tostring(key) .. "=" .. show(value[key], (depth or 0) + 1) end
    return "{" .. table.concat(parts, ",") .. "}"
end
-- Results, or that there was an error: its words are each program's own.
local function case(name, f, ...)
    local results = table.pack(pcall(f, ...))
    local texts = {}
    for i = 2, results.n do texts[#texts + 1] = show(results[i]) end
    if not results[1] then texts = { "error" } end
    out[#out + 1] = name .. ": " .. table.concat(texts, " ")
end
local function has(object, ...)
    local missing = {}
    for _, name in ipairs({ ... }) do
        if not object[name] then missing[#missing + 1] = name end
    end
    return table.concat(missing, ",")
end

local function of_core()
    case("tokenize", core.tokenize, "a,b;;c", ",;")
    case("tokenize no blanks", core.tokenize, "a,b;;c", ",;", true)
    case("parse_addr 4", function() return type(core.parse_addr("10.1.2.3/8")) end)
    case("parse_addr bad", core.parse_addr, "10.1.2.300")
    for _, pair in ipairs({ { "10.1.2.3", "10.0.0.0/8" }, { "11.1.2.3", "10.0.0.0/8" }, { "::1", "::1/128" }, { "10.1.2.3", "::/0" },
                            { "192.168.1.200/24", "192.168.1.1/24" } }) do
        case("match_addr " .. pair[1] .. " " .. pair[2], function()
            return core.match_addr(core.parse_addr(pair[1]), core.parse_addr(pair[2]))
        end)
    end
    case("concat", function()
        local c = core.concat()
        c:add("one")
        c:add("two")
        local first = c:dump()
        c:erase("x")
        c:add("three")
        return first, c:dump()
    end)
    case("levels", function() return core.emerg, core.alert, core.crit, core.err, core.warning, core.notice, core.info, core.debug end)
    case("dates", function()
        return core.http_date("Sun, 06 Nov 1994 08:49:37 GMT"), core.rfc850_date("Sunday, 06-Nov-94 08:49:37 GMT"),
            core.asctime_date("Sun Nov  6 08:49:37 1994"), core.imf_date("Sun, 06 Nov 1994 08:49:37 GMT"), core.http_date("never")
    end)
    case("now", function() local now = core.now() return type(now.sec), type(now.usec) end)
    case("core has", has, core, "Alert", "Debug", "Info", "Warning", "log", "add_acl", "del_acl", "del_map", "set_map", "get_info", "msleep",
        "sleep", "yield", "done", "tcp", "httpclient", "concat", "register_action", "register_cli", "register_converters", "register_fetches",
        "register_init", "register_service", "register_task", "register_filter", "set_nice", "thread", "proxies", "backends", "frontends")
    case("act", function() return act.CONTINUE, act.STOP, act.YIELD, act.ERROR, act.DONE, act.DENY, act.ABORT, act.INVALID, act.wake_time(5) end)
    case("filter", function() return filter.CONTINUE, filter.WAIT, filter.ERROR, filter.FLT_CFG_FL_HTX end)
end

local function of_objects()
    local fe, be = core.frontends["fe"], core.backends["be"]
    case("proxies", function()
        local names = {}
        for name, proxy in pairs(core.proxies) do names[#names + 1] = name .. "/" .. proxy:get_mode() .. "/" .. proxy:get_cap() end
        table.sort(names)
        return table.concat(names, " ")
    end)
    case("fe", function() return fe.name, fe:get_cap(), fe:get_mode() end)
    case("be", function() return be.name, be:get_cap(), be:get_mode() end)
    case("be stats", function() local s = be:get_stats() return s.pxname, s.svname, s.status, s.type, s.mode, s.act, s.bck end)
    local s1, s2 = be.servers["s1"], be.servers["s2"]
    case("s1", function() return s1.name, s1:get_addr(), s1:get_weight(), s1:get_initial_weight() end)
    case("s1 stats", function() local s = s1:get_stats() return s.pxname, s.svname, s.weight, s.addr, s.act, s.bck end)
    case("server has", has, s1, "is_draining", "set_maxconn", "get_maxconn", "set_weight", "get_weight", "set_addr", "get_addr", "get_stats",
        "shut_sess", "set_drain", "set_maint", "set_ready", "check_enable", "check_disable", "check_force_up", "check_force_nolb",
        "check_force_down", "agent_enable", "agent_disable", "agent_force_up", "agent_force_down")
    case("s2 draining", function() return s2:get_maxconn() end)
    case("table", function()
        local t = fe.stktable
        local info = t:info()
        return info.type, info.size, info.nopurge, info.expire, show(info.data), show(t:lookup("127.0.0.9"))
    end)
    case("table row", function()
        local row = fe.stktable:lookup("127.0.0.1")
        row.expire = type(row.expire)
        return show(row)
    end)
    case("table dump", function()
        local rows = fe.stktable:dump({ { "gpc0", "gt", 0 } })
        local keys = {}
        for key, row in pairs(rows) do keys[#keys + 1] = key .. "=" .. row.gpc0 end
        return table.concat(keys, " ")
    end)
end

local map = Map.new(os.getenv("MAP_FILE"), Map._str)
local nets = Map.new(os.getenv("NET_FILE"), Map._ip)

local function of_lookups()
    case("map", function() return map:lookup("a"), map:slookup("a"), map:lookup("none"), map:slookup("none") end)
    case("net map", function() return nets:lookup("10.2.3.4"), nets:lookup("11.2.3.4") end)
    case("regex", function()
        local ok, r = Regex.new("(a+)(b?)c", true)
        return ok, r:exec("xaac"), r:exec("xb"), table.unpack({ r:match("zaabc") })
    end)
    case("regex case", function() local ok, r = Regex.new("abc", false) return ok, r:exec("ABC") end)
    case("regex bad", function() local ok = Regex.new("a(b", true) return ok end)
end

local function of_txn(txn)
    for _, name in ipairs({ "method", "path", "url", "query", "req_ver", "hdr_cnt", "hdr_names", "unique_id", "src_is_local", "fe_name",
                            "http_first_req" }) do
        case("f " .. name, function() return txn.f[name](txn.f) end)
        case("sf " .. name, function() return txn.sf[name](txn.sf) end)
    end
    case("f hdr", function() return txn.f:req_hdr("x-two"), txn.f:req_hdr("x-two", 1), txn.f:req_fhdr("x-two"), txn.f:req_hdr("none"), txn.sf:req_hdr("none") end)
    case("f cook", function() return txn.f:req_cook("c"), txn.f:url_param("q"), txn.sf:url_param("z"), txn.f:hdr_cnt("x-two") end)
    case("f var", function()
        txn:set_var("txn.n", 42)
        txn:set_var("txn.s", "text")
        txn:set_var("txn.b", true)
        return txn:get_var("txn.n"), txn:get_var("txn.s"), txn:get_var("txn.b"), txn:get_var("txn.none"), txn.f:var("txn.n"), txn.sf:var("txn.s")
    end)
    case("unset var", function() txn:unset_var("txn.n") return txn:get_var("txn.n") end)
    case("private", function()
        txn:set_priv({ deep = "yes" })
        return txn:get_priv().deep
    end)
    for name, arguments in pairs({ lower = { "AbC" }, upper = { "AbC" }, length = { "four" }, base64 = { "hello" }, b64dec = { "aGVsbG8=" },
                                   hex = { "az" }, url_dec = { "a%20b" }, crc32 = { "x" }, djb2 = { "x" }, sdbm = { "x" }, wt6 = { "x" },
                                   xxh32 = { "x" }, utime = { 0, "%Y" }, bool = { 5 },
                                   even = { 4 }, neg = { 4 }, cpl = { 1 }, field = { "a.b.c", 2, "." }, word = { "a b c", 3, " " },
                                   bytes = { "abcdef", 1, 2 }, regsub = { "hello", "l", "L", "g" }, ipmask = { "10.1.2.3", "255.0.0.0" },
                                   sha1 = { "x" }, in_table = { "x", "nothing" }, concat = { "a", "-", "txn.s" }, strcmp = { "text", "txn.s" } }) do
        out[#out + 1] = false
        case("c " .. name, function() return txn.c[name](txn.c, table.unpack(arguments)) end)
        case("sc " .. name, function() return txn.sc[name](txn.sc, table.unpack(arguments)) end)
    end
    case("headers", function() return show(txn.http:req_get_headers()) end)
    case("change", function()
        txn.http:req_add_header("x-new", "1")
        txn.http:req_add_header("x-new", "2")
        txn.http:req_set_header("x-two", "only")
        txn.http:req_rep_header("x-rep", "(.)b", "\\1c")
        txn.http:req_rep_value("x-val", "b", "<b>")
        txn.http:req_del_header("x-gone")
        txn.http:req_set_method("PUT")
        txn.http:req_set_path("/new/path")
        txn.http:req_set_query("a=b&c")
        return txn.f:url(), show(txn.http:req_get_headers())
    end)
    case("set uri", function() txn.http:req_set_uri("/other?x=y") return txn.f:url(), txn.f:path(), txn.f:query() end)
    case("channel", function() return txn.req:is_resp(), txn.res:is_resp(), txn.req:is_full() end)
    case("done", function() return type(txn.done), type(txn.log), type(txn.set_loglevel), type(txn.set_tos), type(txn.set_mark), type(txn.reply) end)
end

core.register_action("all", { "http-req" }, function(txn)
    out = {}
    of_core()
    of_objects()
    of_lookups()
    of_txn(txn)
    local lines = {}
    for _, line in ipairs(out) do if line then lines[#lines + 1] = line end end
    table.sort(lines)
    local reply = txn:reply{ status = 200, reason = "Fine" }
    reply:add_header("content-type", "text/plain")
    reply:add_header("x-many", "1")
    reply:add_header("x-many", "2")
    reply:del_header("x-none")
    reply:set_body(table.concat(lines, "\n") .. "\n")
    txn:done(reply)
end)

core.register_converters("wrap", function(text, left, right) return left .. text .. right end)
core.register_fetches("ask", function(txn, what) return what .. txn.sf:path() end)
core.register_fetches("number", function() return 7 end)
core.register_fetches("nothing", function() end)
core.register_fetches("fails", function() error("no") end)

core.register_service("hello", "http", function(applet)
    local body = applet:receive()
    local text = show({ method = applet.method, version = applet.version, path = applet.path, qs = applet.qs, length = applet.length,
                        headers = applet.headers, body = body })
    applet:set_var("txn.service", "was here")
    applet:set_status(201)
    applet:add_header("content-length", tostring(#text))
    applet:add_header("x-var", applet:get_var("txn.service"))
    applet:start_response()
    applet:send(text)
end)
core.register_service("lines", "http", function(applet)
    local lines = {}
    while true do
        local line = applet:getline()
        if not line or line == "" then break end
        lines[#lines + 1] = #line
    end
    applet:start_response()
    applet:send(table.concat(lines, " "))
end)
core.register_service("broken", "http", function(applet) error("oh") end)

core.register_action("answer", { "http-res" }, function(txn)
    txn.http:res_set_status(203, "Other")
    txn.http:res_add_header("x-lua", txn.f:status())
    txn.http:res_rep_header("x-from", "o", "0")
    txn.http:res_rep_value("x-list", "b", "B")
    txn.http:res_del_header("x-gone")
    txn.http:res_set_header("x-all", tostring(txn.http:res_get_headers()["x-list"][0]))
end)
core.register_action("args", { "http-req" }, function(txn, a, b) txn:set_var("txn.args", a .. "+" .. b) end, 2)
core.register_action("deny", { "http-req" }, function() return act.DENY end)
core.register_action("abort", { "http-req" }, function() return act.ABORT end)
core.register_action("invalid", { "http-req" }, function() return act.INVALID end)
core.register_action("stop", { "http-req" }, function() return act.STOP end)
core.register_action("sleep", { "http-req" }, function(txn) core.msleep(5) txn:set_var("txn.slept", "yes") end)

local Upper = { id = "Upper", flags = filter.FLT_CFG_FL_HTX }
Upper.__index = Upper
function Upper:new() return setmetatable({}, Upper) end
function Upper:http_headers(txn, msg)
    if not msg.channel:is_resp() then return end
    local line = msg:get_stline()
    msg:set_header("x-line", line.version .. " " .. line.code .. " " .. line.reason)
    msg:set_header("x-gone", "here")
    msg:del_header("x-gone")
    msg:rep_header("x-from", "ori", "ORI")
    filter.register_data_filter(self, msg.channel)
end
function Upper:http_payload(txn, msg)
    local body = msg:body()
    if body and #body > 0 then msg:set(body:upper()) end
end
core.register_filter("upper", Upper, function(filter, args) return filter end)
