-- For filter.vtc
local Shout = {}
Shout.id = "shout"
Shout.flags = filter.FLT_CFG_FL_HTX
Shout.__index = Shout

local log = {}

function Shout:new()
    local one = setmetatable({}, { __index = self })
    one.seen = ""
    return one
end

function Shout:start_analyze(txn, chn)
    log[#log + 1] = "start " .. tostring(chn:is_resp())
    filter.register_data_filter(self, chn)
end

function Shout:end_analyze(txn, chn)
    log[#log + 1] = "end " .. tostring(chn:is_resp())
end

function Shout:http_headers(txn, msg)
    local line = msg:get_stline()
    if msg:is_resp() then
        msg:set_header("x-line", line.version .. " " .. line.code .. " " .. line.reason)
        msg:rep_header("x-rep", "a", "b")
        msg:set_status(201, "Shouted")
    else
        msg:add_header("x-line", line.method .. " " .. line.uri .. " " .. line.version)
        msg:set_path("/changed")
        msg:set_header("x-host", msg:get_headers()["host"][0])
    end
    msg:set_body_len("chunked")
    return filter.CONTINUE
end

function Shout:http_payload(txn, msg)
    local body = msg:body()
    if not msg:eom() and #body < 10 then return filter.WAIT end
    self.seen = self.seen .. body
    msg:set(body:upper() .. self.word)
    msg:prepend("<")
    msg:append(">")
    msg:insert("!", 1)
    msg:remove(-1)
    msg:forward(2)
end

function Shout:http_end(txn, msg)
    txn:set_var("proc.seen", self.seen)
    msg:send(".")
end

core.register_filter("shout", Shout, function(flt, args)
    flt.word = args[1]
    return flt
end)

local Tcp = { flags = 0 }
Tcp.__index = Tcp
function Tcp:new() return setmetatable({}, Tcp) end
function Tcp:start_analyze(txn, chn) filter.register_data_filter(self, chn) end
function Tcp:tcp_payload(txn, chn)
    local line = chn:line()
    if not line:find("\n") and chn:may_recv() then return filter.WAIT end
    local text = chn:data()
    chn:set(text:gsub("server", "SERVER"))
end
core.register_filter("tcp", Tcp, function(flt) return flt end)

local Bad = { flags = filter.FLT_CFG_FL_HTX }
Bad.__index = Bad
function Bad:new() return setmetatable({}, Bad) end
function Bad:http_headers() error("no headers for you") end
core.register_filter("bad", Bad, function(flt) return flt end)
core.register_filter("none", Bad, function(flt) return nil end)

core.register_fetches("log", function() local all = table.concat(log, ",") log = {} return all end)
