-- A list of addresses that must not come in, asked for again and again from a service that knows (as CrowdSec's local API
-- does: GET <url> gives a JSON list of objects with "value" and "duration"; "?startup=true" all of them, else what has changed).
--
--     lua-load /etc/weir/lua/blocklist.lua http://127.0.0.1:8080/v1/decisions/stream the-key 10
--     http-request deny if { src -f virt@blocked }
--
-- Arguments: the URL, the key, the seconds between questions. The list is changed as a whole each time it is complete.

local url, key, pause = ...

-- "value":"192.0.2.7" of one part of the answer: {"new":[...],"deleted":[...]}
local function values(part)
    local found = {}
    for value in (part or ""):gmatch('"value"%s*:%s*"([%x%.:/]+)"') do found[#found + 1] = value end
    return found
end

local function ask(is_first)
    local answer = core.httpclient():get { url = url .. "?startup=" .. tostring(is_first), headers = { ["x-api-key"] = { key } } }
    if answer.status ~= 200 then
        core.Warning("blocklist: " .. url .. " answered " .. tostring(answer.status))
        return false
    end
    local list = core.get_patref("virt@blocked")
    if is_first then
        list:prepare()
        list:add_bulk(values(answer.body:match('"new"%s*:%s*(%b[])')))
        list:commit()
        return true
    end
    for _, value in ipairs(values(answer.body:match('"deleted"%s*:%s*(%b[])'))) do list:del(value) end
    for _, value in ipairs(values(answer.body:match('"new"%s*:%s*(%b[])'))) do core.add_acl("virt@blocked", value) end
    return true
end

core.register_task(function()
    local is_first = true
    while true do
        if ask(is_first) then is_first = false end
        core.sleep(tonumber(pause) or 10)
    end
end)
