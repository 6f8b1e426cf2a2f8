# Stand-ins for the commands of Vivado that scripts of a build use. Each is recorded; each is held to
# the options that AMD's documents give it (UG835 2022.2; of cores PG021, PG059, PG082, PG164, PG201,
# PG247), and to what the project holds at that time. Whatever Vivado would let pass with a warning, as
# a misspelt parameter of a core, is an error here.
#
#   RECORD   file that the calls go to: one a line, words separated by a tab
#   DEFECT   what shall go wrong, to see that scripts notice: see the uses of [defect]

namespace eval stand_in {}
set ::stand_in::recorded [open $::env(RECORD) w]
fconfigure $::stand_in::recorded -encoding utf-8

proc defect {name} {
    return [expr {[info exists ::env(DEFECT)] && $::env(DEFECT) eq $name}]
}

proc unknown {name args} {
    error "stand-in: no command $name"
}

# Options by command: "name" takes no value, "name:" one. "at least" and "at most" so many words beside.
set ::stand_in::commands {
    create_project {0 2 part: force in_memory ip rtl_kernel}
    current_project {0 1}
    close_project {0 0 delete}
    get_property {2 2 min max}
    add_files {0 1 fileset: of_objects: norecurse copy_to: force scan_for_includes}
    get_files {0 9 regexp nocase filter: compile_order: used_in: of_objects: all references norecurse}
    get_filesets {0 9 regexp nocase filter:}
    current_fileset {0 1 constrset simset srcset}
    update_compile_order {0 0 force_gui fileset:}
    set_msg_config {0 0 id: string: severity: limit: new_severity: suppress regexp}
    version {0 0 short}
    get_ipdefs {0 9 regexp nocase filter: all}
    update_ip_catalog {0 0 rebuild add_ip: delete_ip: delete_mult_ip: disable_ip: enable_ip: add_interface: create_index repo_path: update_module_ref scan_changes}
    ipx::package_project {0 0 root_dir: vendor: library: taxonomy: import_files set_current: module: force generated_files force_update_compile_order archive_source_project:}
    ipx::current_core {0 1}
    ipx::get_bus_interfaces {0 9 regexp nocase filter: of_objects:}
    ipx::get_memory_maps {0 9 regexp nocase filter: of_objects:}
    ipx::get_address_blocks {0 9 regexp nocase filter: of_objects:}
    ipx::add_memory_map {2 2}
    ipx::add_address_block {2 2}
    ipx::create_xgui_files {0 1 logo_file:}
    ipx::update_checksums {0 1}
    ipx::check_integrity {0 1 kernel xo_check}
    ipx::save_core {0 1}
    create_bd_design {1 1 dir: cell: bdsource:}
    create_bd_cell {1 1 vlnv: type: reference: revision:}
    get_bd_cells {0 9 regexp hierarchical filter: of_objects:}
    get_bd_pins {0 9 regexp hierarchical filter: of_objects:}
    get_bd_intf_pins {0 9 regexp hierarchical filter: of_objects:}
    get_bd_addr_spaces {0 9 regexp hierarchical filter: of_objects: legacy_order}
    get_bd_addr_segs {0 9 regexp hierarchical filter: of_objects: excluded addressed unaddressed addressables addressing legacy_order}
    connect_bd_net {1 99 net: boundary_type:}
    connect_bd_intf_net {2 2 intf_net: boundary_type: auto_lock}
    make_bd_intf_pins_external {1 9 name:}
    assign_bd_address {0 9 target_address_space: boundary master_boundary external dict: import_from_file: export_to_file: export_gui_to_file: offset: range: base_high: force}
    validate_bd_design {0 0 force design: include_pfm}
    save_bd_design {0 1}
    generate_target {2 2 force}
    make_wrapper {0 0 fileset: inst_template testbench top files: force import}
    get_runs {0 9 regexp nocase filter:}
    launch_runs {1 9 jobs: scripts_only lsf: sge: cluster_configuration: dir: to_step: next_step host: remote_cmd: email_to: email_all pre_launch_script: post_launch_script: custom_script: force}
    wait_on_runs {1 9 timeout: exit_condition:}
    wait_on_run {1 9 timeout:}
    open_run {1 1 name: pr_config:}
    close_design {0 0}
    get_cells {0 9 hsc: hierarchical regexp nocase filter: of_objects: match_style: include_replicated_objects}
    report_utilization {0 0 file: append pblocks: evaluate_pblock exclude_child_pblocks exclude_non_assigned cells: return_string slr packthru name: no_primitives omit_locs hierarchical spreadsheet_file: spreadsheet_table: spreadsheet_depth: hierarchical_depth: hierarchical_percentages hierarchical_min_primitive_count: format:}
    report_timing_summary {0 0 check_timing_verbose delay_type: no_detailed_paths setup hold max_paths: nworst: unique_pins path_type: no_reused_label input_pins no_pr_attribute no_pblock routable_nets slack_lesser_than: report_unconstrained significant_digits: no_header file: append name: return_string warn_on_violation datasheet cells: rpx:}
    report_power {0 0 no_propagation hier: hierarchical_depth: vid advisory file: name: format: xpe: l: return_string append rpx:}
    get_timing_paths {0 0 from: rise_from: fall_from: to: rise_to: fall_to: through: delay_type: setup hold max_paths: nworst: unique_pins slack_lesser_than: slack_greater_than: group: no_report_unconstrained user_ignored routable_nets sort_by: filter: regexp nocase match_style: cell: pin:}
    launch_simulation {0 0 step: simset: mode: type: scripts_only of_objects: absolute_path: install_path: noclean_dir gcc_install_path: gcc_version: exec}
    close_sim {0 0 force}
}

# Splits a call into its options, as a dictionary, and the other words; refuses what is not known.
proc taken {command words} {
    set rules [dict get $::stand_in::commands $command]
    set known [concat [lrange $rules 2 end] quiet verbose]
    set options {}
    set rest {}
    for {set i 0} {$i < [llength $words]} {incr i} {
        set word [lindex $words $i]
        if {![string match -* $word]} { lappend rest $word; continue }
        set name [string range $word 1 end]
        if {$name in $known} {
            dict set options $name 1
        } elseif {"$name:" in $known} {
            if {[incr i] >= [llength $words]} { error "stand-in: $command: $word has no value" }
            dict set options $name [lindex $words $i]
        } else {
            error "stand-in: $command has no option $word"
        }
    }
    if {[llength $rest] < [lindex $rules 0] || [llength $rest] > [lindex $rules 1]} {
        error "stand-in: $command: [llength $rest] words beside options: $rest"
    }
    return [list $options $rest]
}

proc record {command words} {
    puts $::stand_in::recorded [join [lmap word [concat [list $command] $words] { string map {\t " " \n " "} $word }] \t]
    flush $::stand_in::recorded
}

# Defines a stand-in: its body sees the variables options and rest.
proc command {name body} {
    if {![dict exists $::stand_in::commands $name]} { error "stand-in: no table of options for $name" }
    namespace eval [namespace qualifiers ::$name] {}
    proc ::$name args "
        record $name \$args
        lassign \[taken $name \$args\] options rest
        $body
    "
}

proc option {options name {default ""}} {
    return [expr {[dict exists $options $name] ? [dict get $options $name] : $default}]
}

proc require {condition text} {
    if {![uplevel 1 [list expr $condition]]} { error "stand-in: $text" }
}

proc write_file {path text} {
    file mkdir [file dirname $path]
    set channel [open $path w]
    puts -nonewline $channel $text
    close $channel
}

proc read_file {path} {
    set channel [open $path]
    set text [read $channel]
    close $channel
    return $text
}

# -- Projects ----------------------------------------------------------------------------------------
# ::stand_in::properties holds properties by object, ::stand_in::project the open project, ::stand_in::added its files by fileset.
set ::stand_in::project ""
array set ::stand_in::properties {}
array set ::stand_in::added {}

command create_project {
    require {$::stand_in::project eq ""} "a project is open already"
    lassign $rest name directory
    require {[dict exists $options part]} "a project without -part takes the part of a Virtex-7"
    set ::stand_in::project [list $name [file normalize $directory] [dict get $options part]]
    if {[option $options force 0]} { file delete -force $directory }
    require {![file exists [file join $directory $name.xpr]]} "there is a project $name already"
    write_file [file join $directory $name.xpr] "project\n"
    array unset ::stand_in::added
    set ::stand_in::added(sources_1) {}
    set ::stand_in::added(sim_1) {}
    set ::stand_in::severities {}
    foreach run {synth_1 impl_1} {
        set ::stand_in::properties(run:$run) [dict create STATUS "Not started" PROGRESS 0% \
            DIRECTORY [file join $directory $name.runs $run]]
    }
    return $name
}
command current_project { require {$::stand_in::project ne ""} "no project is open"; return project: }
command close_project { require {$::stand_in::project ne ""} "no project is open"; set ::stand_in::project "" }
command current_fileset { require {$::stand_in::project ne ""} "no project is open"; return fileset:sources_1 }
command get_filesets {
    require {[info exists ::stand_in::added($rest)]} "no fileset $rest"
    return fileset:$rest
}
command update_compile_order {
    require {[llength $::stand_in::added([option $options fileset sources_1])]} "there are no files"
}
command add_files {
    set set [option $options fileset sources_1]
    require {[info exists ::stand_in::added($set)]} "no fileset $set"
    require {[llength [lindex $rest 0]]} "no files"
    foreach file [lindex $rest 0] {
        require {[file isfile $file]} "there is no file $file"
        require {[file normalize $file] ni $::stand_in::added($set)} "$file is added twice"
        lappend ::stand_in::added($set) [file normalize $file]
    }
    return [lindex $rest 0]
}
command get_files {
    require {[info exists ::stand_in::design] && $rest eq "$::stand_in::design.bd"} "no file $rest in the project"
    return bd:$::stand_in::design
}
command set_msg_config {
    require {[dict exists $options id] && [dict exists $options new_severity]} "nothing is set"
    require {[dict get $options new_severity] in {ERROR {CRITICAL WARNING} WARNING INFO STATUS}} "no such severity"
    dict set ::stand_in::severities [dict get $options id] [dict get $options new_severity]
}
command version { return [expr {[info exists ::env(VIVADO)] ? $::env(VIVADO) : "2022.1"}] }

# Properties of objects that are no cells of a block design, by kind of object.
set ::stand_in::known_properties {
    project: {target_language ip_repo_paths part board_part}
    fileset: {top xsim.simulate.runtime xsim.simulate.xsim.more_options}
    run: {STATUS PROGRESS DIRECTORY {STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS}}
    core: {name vendor library version display_name description ipi_drc}
    bus: {slave_memory_map_ref}
    block: {range range_dependency NAME}
    bd: {synth_checkpoint_mode}
    path: {SLACK}
    ipdef: {VLNV NAME}
    pin: {CONFIG.FREQ_HZ}
}

proc set_one {name value object} {
    if {[regexp {^cell:(.*)} $object -> cell]} {
        require {[string match CONFIG.* $name]} "cells have no property $name"
        configure $cell [string range $name 7 end] $value
        return
    }
    require {[regexp {^(\w+:)} $object -> kind] && [dict exists $::stand_in::known_properties $kind]} "'$object' is no object"
    require {$name in [dict get $::stand_in::known_properties $kind]} "$object has no property $name"
    dict set ::stand_in::properties($object) $name $value
    if {$name eq "ip_repo_paths"} {
        foreach path $value { require {[file isdirectory $path]} "there is no folder $path" }
    }
}

proc set_property args {
    record set_property $args
    set named {}
    set rest {}
    for {set i 0} {$i < [llength $args]} {incr i} {
        set word [lindex $args $i]
        if {$word in {-name -value -objects -dict}} {
            dict set named $word [lindex $args [incr i]]
        } elseif {$word in {-quiet -verbose}} {
            continue
        } elseif {[string match -* $word]} {
            error "stand-in: set_property has no option $word"
        } else {
            lappend rest $word
        }
    }
    if {[dict exists $named -objects]} { lappend rest [dict get $named -objects] }
    if {[dict exists $named -dict]} {
        set pairs [dict get $named -dict]
        require {[llength $pairs] % 2 == 0} "a property without value"
    } else {
        if {[dict exists $named -name]} {
            set rest [linsert $rest 0 [dict get $named -name] [dict get $named -value]]
        }
        set pairs [lrange $rest 0 1]
        set rest [lrange $rest 2 end]
    }
    require {[llength $rest] == 1 && [llength [lindex $rest 0]]} "set_property $pairs of no object"
    foreach object [lindex $rest 0] {
        foreach {name value} $pairs { set_one $name $value $object }
    }
}

command get_property {
    lassign $rest name object
    if {[regexp {^cell:(.*)} $object -> cell]} {
        require {[string match CONFIG.* $name]} "cells have no property $name"
        set parameter [string range $name 7 end]
        known_parameter $cell $parameter
        if {[defect width] && $parameter eq "c_m_axis_mm2s_tdata_width"} { return 32 }
        return [dict get $::stand_in::cells $cell config $parameter]
    }
    require {[regexp {^(\w+:)} $object -> kind] && [dict exists $::stand_in::known_properties $kind]} "'$object' is no object"
    require {$name in [dict get $::stand_in::known_properties $kind]} "$object has no property $name"
    if {$kind eq "ipdef:"} { return [string range $object 6 end] }
    if {$kind eq "path:"} {
        return [expr {[defect [string range $object 5 end]] ? -0.125 : 0.25}]
    }
    if {$kind eq "pin:"} { return [expr {[defect clock] ? 90000000 : $::env(FABRIC_HZ)}] }
    return [dict get $::stand_in::properties($object) $name]
}

# -- Packaging ---------------------------------------------------------------------------------------
# What the packager sees in a top of plain Verilog: buses by name, each with kind and direction.
proc interfaces_of {file} {
    require {[file extension $file] eq ".v"} "the packager takes no top in $file"
    set found {}
    set pattern {X_INTERFACE_INFO = "xilinx.com:(\w+):(\w+):1.0 (\w+) (\w+)" \*\)\s+(input|output)}
    foreach {all - kind bus signal direction} [regexp -all -inline $pattern [read_file $file]] {
        if {$kind in {clock reset}} {
            dict set found $bus [list $kind in]
        } elseif {$signal in {TVALID ARVALID}} {
            dict set found $bus [list $kind [expr {$direction eq "output" ? "master" : "slave"}]]
        }
    }
    return $found
}

command ipx::package_project {
    foreach name {root_dir vendor library taxonomy} {
        require {[dict exists $options $name]} "no -$name"
    }
    set top [dict get $::stand_in::properties(fileset:sources_1) top]
    set files [lsearch -all -inline -regexp $::stand_in::added(sources_1) "/$top\\.\\w+$"]
    require {[llength $files] == 1} "[llength $files] files of top $top"
    set ::stand_in::core [dict create root [dict get $options root_dir] interfaces [interfaces_of [lindex $files 0]]]
    if {[defect bus]} { dict unset ::stand_in::core interfaces m_axis }
    set ::stand_in::properties(core:) [dict create name $top vendor [dict get $options vendor] \
        library [dict get $options library] version 1.0 display_name {} description {}]
    set ::stand_in::properties(block:) [dict create range 256 NAME reg0]
    foreach file $::stand_in::added(sources_1) {
        file mkdir [file join [dict get $::stand_in::core root] src]
        file copy -force $file [file join [dict get $::stand_in::core root] src]
    }
}
command ipx::current_core { require {[info exists ::stand_in::core]} "no core is open"; return core: }
command ipx::get_bus_interfaces {
    require {[option $options of_objects] eq "core:"} "of no core"
    return [expr {[dict exists $::stand_in::core interfaces $rest] ? "bus:$rest" : ""}]
}
command ipx::get_memory_maps {
    require {[option $options of_objects] eq "core:"} "of no core"
    require {$rest eq "s_axil"} "there is no map $rest"
    return [expr {[defect map] ? "" : "map:s_axil"}]
}
command ipx::add_memory_map {
    require {$rest eq "s_axil core:"} "of no core"
    return map:s_axil
}
command ipx::add_address_block {
    require {$rest eq "reg0 map:s_axil"} "of no map"
    return block:
}
command ipx::get_address_blocks {
    require {[option $options of_objects] eq "map:s_axil"} "of no map"
    return [expr {[defect map] ? "" : "block:"}]
}
foreach name {create_xgui_files update_checksums check_integrity} {
    command ipx::$name { require {$rest eq "core:"} "of no core" }
}
command ipx::save_core {
    require {$rest eq "core:"} "of no core"
    set p $::stand_in::properties(core:)
    set vlnv [join [lmap n {vendor library name version} { dict get $p $n }] :]
    write_component [dict get $::stand_in::core root] $vlnv [dict get $::stand_in::core interfaces] \
        s_axil/[dict get $::stand_in::properties(block:) NAME] [dict get $::stand_in::properties(block:) range]
}

# component.xml, in a form of our own: what a block design must know of a core.
proc write_component {root vlnv interfaces registers range} {
    write_file [file join $root component.xml] [list $vlnv $interfaces $registers $range]
}

# -- Cores -------------------------------------------------------------------------------------------
set ::stand_in::catalog [dict create]
foreach vlnv {
    xilinx.com:ip:processing_system7:5.5 xilinx.com:ip:zynq_ultra_ps_e:3.4 xilinx.com:ip:axi_dma:7.1
    xilinx.com:ip:axi_interconnect:2.1 xilinx.com:ip:smartconnect:1.0 xilinx.com:ip:proc_sys_reset:5.0
} { dict set ::stand_in::catalog $vlnv {} }

command update_ip_catalog {
    foreach path [dict get $::stand_in::properties(project:) ip_repo_paths] {
        lassign [read_file [file join $path component.xml]] vlnv interfaces registers range
        dict set ::stand_in::catalog $vlnv [list $interfaces $registers $range]
    }
}
command get_ipdefs {
    require {[regexp {^VLNV =~ (\S+)$} [option $options filter] -> pattern]} "no such filter"
    return [lmap vlnv [dict keys $::stand_in::catalog $pattern] { string cat ipdef: $vlnv }]
}

# Parameters by core, as regular expressions.
set ::stand_in::parameters {
    axi_dma {c_include_sg c_sg_length_width c_addr_width c_sg_include_stscntrl_strm c_micro_dma c_include_(mm2s|s2mm)(_dre|_sf)? c_m_axi_(mm2s|s2mm)_data_width c_m_axis_mm2s_tdata_width c_s_axis_s2mm_tdata_width c_(mm2s|s2mm)_burst_size c_single_interface c_increase_throughput}
    axi_interconnect {NUM_SI NUM_MI STRATEGY ENABLE_ADVANCED_OPTIONS XBAR_DATA_WIDTH SYNCHRONIZATION_STAGES}
    smartconnect {NUM_SI NUM_MI NUM_CLKS HAS_ARESETN ADVANCED_PROPERTIES}
    proc_sys_reset {C_NUM_BUS_RST C_NUM_PERP_RST C_NUM_INTERCONNECT_ARESETN C_NUM_PERP_ARESETN C_AUX_RESET_HIGH C_AUX_RST_WIDTH C_EXT_RST_WIDTH}
    processing_system7 {
        PCW_(CRYSTAL|APU)_PERIPHERAL_FREQMHZ PCW_PRESET_BANK[01]_VOLTAGE PCW_USE_M_AXI_GP[01]
        PCW_USE_S_AXI_(HP[0-3]|GP[01]|ACP) PCW_S_AXI_HP[0-3]_DATA_WIDTH PCW_EN_CLK[0-3]_PORT PCW_EN_RST[0-3]_PORT
        PCW_FPGA_FCLK[0-3]_ENABLE PCW_FCLK[0-3]_PERIPHERAL_CLKSRC PCW_FPGA[0-3]_PERIPHERAL_FREQMHZ
        PCW_UART[01]_PERIPHERAL_ENABLE PCW_UART0_UART0_IO PCW_UART1_UART1_IO
        PCW_SD[01]_PERIPHERAL_ENABLE PCW_SD0_SD0_IO PCW_SD1_SD1_IO PCW_SD[01]_GRP_(CD|WP|POW)_(ENABLE|IO)
        PCW_UIPARAM_DDR_(ENABLE|MEMORY_TYPE|PARTNO|BUS_WIDTH|DRAM_WIDTH|DEVICE_CAPACITY|FREQ_MHZ|SPEED_BIN|CL|CWL|AL|BL)
        PCW_UIPARAM_DDR_(BANK|ROW|COL)_ADDR_COUNT PCW_UIPARAM_DDR_T_(RCD|RP|RC|RAS_MIN|FAW)
        PCW_UIPARAM_DDR_(ECC|HIGH_TEMP|USE_INTERNAL_VREF) PCW_UIPARAM_DDR_TRAIN_(WRITE_LEVEL|READ_GATE|DATA_EYE)
        PCW_UIPARAM_DDR_DQS_TO_CLK_DELAY_[0-3] PCW_UIPARAM_DDR_BOARD_DELAY[0-3]
    }
    zynq_ultra_ps_e {
        PSU_BANK_[0-3]_IO_STANDARD PSU__PSS_REF_CLK__FREQMHZ PSU__CRF_APB__(ACPU|DDR)_CTRL__(SRCSEL|FREQMHZ)
        PSU__CRL_APB__PL[0-3]_REF_CTRL__(SRCSEL|FREQMHZ) PSU__FPGA_PL[0-3]_ENABLE PSU__USE__IRQ[01]
        PSU__USE__M_AXI_GP[0-2] PSU__MAXIGP[0-2]__DATA_WIDTH PSU__USE__S_AXI_GP[0-6] PSU__SAXIGP[0-6]__DATA_WIDTH
        PSU__UART[01]__PERIPHERAL__(ENABLE|IO) PSU__SD[01]__PERIPHERAL__(ENABLE|IO) PSU__SD[01]__GRP_(CD|WP|POW)__(ENABLE|IO)
        PSU__SD[01]__(DATA_TRANSFER_MODE|SLOT_TYPE) PSU__QSPI__PERIPHERAL__(ENABLE|IO|MODE|DATA_MODE)
        PSU__DDRC__(ENABLE|MEMORY_TYPE|COMPONENTS|BUS_WIDTH|DRAM_WIDTH|DEVICE_CAPACITY|SPEED_BIN|CL|CWL|AL|ECC|VREF|DM_DBI)
        PSU__DDRC__(BG|BANK|RANK|ROW|COL)_ADDR_COUNT PSU__DDRC__T_(RCD|RP|RC|RAS_MIN|FAW) PSU__DDRC__BRC_MAPPING
        PSU__DDRC__(DDR4_ADDR_MAPPING|LPDDR4_T_REF_RANGE|ADDR_MIRROR|ENABLE_DP_SWITCH) PSU__DDRC__TRAIN_(DATA_EYE|READ_GATE|WRITE_LEVEL)
    }
}

# -- Block designs -----------------------------------------------------------------------------------
# ::cells: core, configuration and registers by cell. ::joined: the other end by interface pin, and the
# source by pin. ::mapped: offset and range by segment.
command create_bd_design {
    set ::stand_in::design $rest
    set ::stand_in::cells [dict create]
    array unset ::stand_in::joined
    array set ::stand_in::joined {}
    set ::stand_in::mapped [dict create]
    set ::stand_in::valid 0
}
command create_bd_cell {
    require {[option $options type] eq "ip"} "no such type of cell"
    require {![dict exists $::stand_in::cells $rest]} "there is a cell $rest already"
    set vlnv [option $options vlnv]
    require {[dict exists $::stand_in::catalog $vlnv]} "the catalog has no $vlnv"
    dict set ::stand_in::cells $rest [dict create core [lindex [split $vlnv :] 2] vlnv $vlnv config {}]
    return cell:$rest
}
proc known_parameter {cell name} {
    set core [dict get $::stand_in::cells $cell core]
    require {[dict exists $::stand_in::parameters $core]} "parameters of $core"
    foreach pattern [dict get $::stand_in::parameters $core] {
        if {[regexp "^$pattern$" $name]} { return }
    }
    error "stand-in: $core has no parameter $name"
}
proc configure {cell name value} {
    known_parameter $cell $name
    require {$value ne ""} "$name of $cell has no value"
    dict set ::stand_in::cells $cell config $name $value
}
proc parameter {cell name {default 0}} {
    set config [dict get $::stand_in::cells $cell config]
    return [expr {[dict exists $config $name] ? [dict get $config $name] : $default}]
}
command get_bd_cells {
    require {[dict exists $::stand_in::cells $rest]} "there is no cell $rest"
    return cell:$rest
}

# Interface pins of a cell: name and kind, where "axi" goes from masters to slaves.
proc interfaces {cell} {
    set core [dict get $::stand_in::cells $cell core]
    switch -- $core {
        axi_dma {
            return {M_AXIS_MM2S {axis master} S_AXIS_S2MM {axis slave} S_AXI_LITE {aximm slave} M_AXI_MM2S {aximm master} M_AXI_S2MM {aximm master}}
        }
        axi_interconnect - smartconnect {
            set found {}
            for {set i 0} {$i < [parameter $cell NUM_SI 1]} {incr i} { dict set found [format S%02d_AXI $i] {aximm slave} }
            for {set i 0} {$i < [parameter $cell NUM_MI 1]} {incr i} { dict set found [format M%02d_AXI $i] {aximm master} }
            return $found
        }
        proc_sys_reset { return {} }
        processing_system7 {
            set found {DDR {external master} FIXED_IO {external master}}
            if {[parameter $cell PCW_USE_M_AXI_GP0 1]} { dict set found M_AXI_GP0 {aximm master} }
            foreach n {0 1 2 3} {
                if {[parameter $cell PCW_USE_S_AXI_HP$n]} { dict set found S_AXI_HP$n {aximm slave} }
            }
            return $found
        }
        zynq_ultra_ps_e {
            set found {}
            if {[parameter $cell PSU__USE__M_AXI_GP0 1]} { dict set found M_AXI_HPM0_FPD {aximm master} }
            if {[parameter $cell PSU__USE__M_AXI_GP1 1]} { dict set found M_AXI_HPM1_FPD {aximm master} }
            foreach {n port} {2 HP0 3 HP1 4 HP2 5 HP3} {
                if {[parameter $cell PSU__USE__S_AXI_GP$n]} { dict set found S_AXI_${port}_FPD {aximm slave} }
            }
            return $found
        }
        default {
            set all [lindex [dict get $::stand_in::catalog [dict get $::stand_in::cells $cell vlnv]] 0]
            return [dict filter $all script {name value} { expr {[lindex $value 0] in {axis aximm}} }]
        }
    }
}

# Pins of a cell that a clock or a reset must drive.
proc driven_pins {cell} {
    set core [dict get $::stand_in::cells $cell core]
    switch -- $core {
        axi_dma { return {s_axi_lite_aclk m_axi_mm2s_aclk m_axi_s2mm_aclk axi_resetn} }
        smartconnect { return {aclk aresetn} }
        axi_interconnect {
            set pins {ACLK ARESETN}
            foreach port [dict keys [interfaces $cell]] {
                set port [string range $port 0 2]
                lappend pins ${port}_ACLK ${port}_ARESETN
            }
            return $pins
        }
        proc_sys_reset { return {slowest_sync_clk ext_reset_in} }
        processing_system7 {
            return [lmap port [lsearch -all -inline [dict keys [interfaces $cell]] *_AXI_*] { string cat $port _ACLK }]
        }
        zynq_ultra_ps_e {
            return [lmap port [dict keys [interfaces $cell]] {
                string tolower [string map {M_AXI_HPM maxihpm S_AXI_HP saxihp} $port]_aclk
            }]
        }
        default {
            set all [lindex [dict get $::stand_in::catalog [dict get $::stand_in::cells $cell vlnv]] 0]
            return [dict keys [dict filter $all script {name value} { expr {[lindex $value 0] in {clock reset}} }]]
        }
    }
}
proc driving_pins {cell} {
    switch -- [dict get $::stand_in::cells $cell core] {
        proc_sys_reset { return {peripheral_aresetn interconnect_aresetn peripheral_reset mb_reset bus_struct_reset} }
        processing_system7 { return {FCLK_CLK0 FCLK_RESET0_N} }
        zynq_ultra_ps_e { return {pl_clk0 pl_resetn0} }
        default { return {} }
    }
}
command get_bd_pins {
    require {[regexp {^(\w+)/(\w+)$} $rest -> cell pin] && [dict exists $::stand_in::cells $cell]} "no pin $rest"
    require {$pin in [concat [driven_pins $cell] [driving_pins $cell]]} "$cell has no pin $pin"
    return pin:$rest
}
command get_bd_intf_pins {
    require {[regexp {^(\w+)/(\w+)$} $rest -> cell pin] && [dict exists $::stand_in::cells $cell]} "no interface $rest"
    require {[dict exists [interfaces $cell] $pin]} "$cell has no interface $pin"
    return intf:$rest
}
proc kind_of {object} {
    regexp {^intf:(\w+)/(\w+)$} $object -> cell pin
    return [dict get [interfaces $cell] $pin]
}
command connect_bd_intf_net {
    set ends [lmap object $rest { kind_of $object }]
    require {[lindex $ends 0 0] eq [lindex $ends 1 0]} "$rest are of two kinds"
    require {[lsort [list [lindex $ends 0 1] [lindex $ends 1 1]]] eq {master slave}} "$rest are no master and slave"
    foreach object $rest {
        require {![info exists ::stand_in::joined($object)]} "$object is connected twice"
        set ::stand_in::joined($object) [lindex $rest [expr {$object eq [lindex $rest 0]}]]
    }
}
command make_bd_intf_pins_external {
    foreach object $rest { set ::stand_in::joined($object) external }
}
command connect_bd_net {
    set source [lindex $rest 0]
    regexp {^pin:(\w+)/(\w+)$} $source -> cell pin
    require {$pin in [driving_pins $cell]} "$source drives nothing"
    foreach object [lrange $rest 1 end] {
        regexp {^pin:(\w+)/(\w+)$} $object -> cell pin
        require {$pin in [driven_pins $cell]} "$object is no input"
        require {![info exists ::stand_in::joined($object)]} "$object has two sources"
        set ::stand_in::joined($object) $source
    }
}

# Where a bus ends, through interconnects: slaves by master.
proc ends_of {object} {
    set slave $::stand_in::joined($object)
    regexp {^intf:(\w+)/(\w+)$} $slave -> cell pin
    if {[dict get $::stand_in::cells $cell core] ni {axi_interconnect smartconnect}} { return [list $slave] }
    set found {}
    foreach {name kind} [interfaces $cell] {
        if {[lindex $kind 1] eq "master"} { lappend found {*}[ends_of intf:$cell/$name] }
    }
    return $found
}
proc registers_of {cell} {
    switch -- [dict get $::stand_in::cells $cell core] {
        axi_dma { return {S_AXI_LITE/Reg 65536} }
        default { return [lrange [dict get $::stand_in::catalog [dict get $::stand_in::cells $cell vlnv]] 1 2] }
    }
}
command get_bd_addr_spaces {
    require {$rest eq "processor/Data"} "there is no address space $rest"
    return space:$rest
}
command get_bd_addr_segs {
    require {[regexp {^(\w+)/(\w+/\w+)$} $rest -> cell segment] && [dict exists $::stand_in::cells $cell]} "no segment $rest"
    require {$segment eq [lindex [registers_of $cell] 0]} "$cell has no segment $segment"
    return seg:$rest
}
command assign_bd_address {
    if {![llength $rest]} { set ::stand_in::others_mapped 1; return {} }
    require {[option $options target_address_space] eq "space:processor/Data"} "no address space"
    regexp {^seg:(\w+)/(\w+)/} $rest -> cell bus
    set slave intf:$cell/$bus
    set master [lindex [dict keys [dict filter [interfaces processor] script {n k} { expr {[string match M_AXI* $n]} }]] 0]
    require {$slave in [ends_of intf:processor/$master]} "the processor does not reach $slave"
    set offset [dict get $options offset]
    regexp {^(\d+)K$} [dict get $options range] -> size
    set size [expr {$size * 1024}]
    require {$size == [lindex [registers_of $cell] 1] || [dict get $::stand_in::cells $cell core] eq "axi_dma" || [string match *hls* [dict get $::stand_in::cells $cell vlnv]]} "the registers of $cell do not take $size bytes"
    require {$offset % $size == 0} "$offset is no multiple of $size"
    set windows [expr {[dict get $::stand_in::cells processor core] eq "processing_system7" ? {0x40000000 0x7FFFFFFF} : {0xA0000000 0xAFFFFFFF}}]
    require {$offset >= [lindex $windows 0] && $offset + $size - 1 <= [lindex $windows 1]} "the processor's bus does not reach $offset"
    dict for {other place} $::stand_in::mapped {
        lassign $place start length
        require {$offset + $size <= $start || $start + $length <= $offset} "$rest lies on $other"
    }
    dict set ::stand_in::mapped $rest [list $offset $size]
    return $rest
}
command validate_bd_design {
    require {[info exists ::stand_in::others_mapped]} "memory has no addresses"
    dict for {cell about} $::stand_in::cells {
        dict for {name kind} [interfaces $cell] {
            require {[info exists ::stand_in::joined(intf:$cell/$name)]} "$cell/$name is not connected"
        }
        foreach pin [driven_pins $cell] {
            require {[info exists ::stand_in::joined(pin:$cell/$pin)]} "$cell/$pin is not connected"
            set source $::stand_in::joined(pin:$cell/$pin)
            set clock [regexp -nocase {clk$} $pin]
            require {$clock == [regexp {clk0$|CLK0$} $source]} "$source drives $cell/$pin"
        }
        if {[dict get $about core] eq "axi_dma"} {
            foreach side {mm2s s2mm} {
                set stream [parameter $cell [expr {$side eq "mm2s" ? "c_m_axis_mm2s_tdata_width" : "c_s_axis_s2mm_tdata_width"}]]
                require {$stream in {8 16 32 64 128 256 512 1024}} "a stream of $stream bits"
                require {[parameter $cell c_m_axi_${side}_data_width] >= $stream} "memory narrower than the stream"
                require {[parameter $cell c_${side}_burst_size] in {2 4 8 16 32 64 128 256}} "no such burst"
            }
            require {[parameter $cell c_sg_length_width] >= 8 && [parameter $cell c_sg_length_width] <= 26} "no such length"
            foreach bus {M_AXI_MM2S M_AXI_S2MM} {
                require {[string match intf:processor/S_AXI_HP* [ends_of intf:$cell/$bus]]} "$bus reaches no memory"
            }
        }
    }
    set ::stand_in::valid 1
}
command save_bd_design { require {$::stand_in::valid} "the design was not validated" }
command generate_target {
    require {$rest eq "all bd:$::stand_in::design"} "no such target"
    lassign $::stand_in::project name directory
    set kind [expr {[info exists ::env(HANDOFF)] ? $::env(HANDOFF) : "gen"}]
    if {$kind ne "none"} {
        write_file [file join $directory $name.$kind sources_1 bd $::stand_in::design hw_handoff $::stand_in::design.hwh] "handoff\n"
    }
}
command make_wrapper {
    require {[option $options files] eq "bd:$::stand_in::design" && [option $options top 0]} "no such wrapper"
    lassign $::stand_in::project name directory
    set path [file join $directory $name.gen sources_1 bd $::stand_in::design hdl ${::stand_in::design}_wrapper.v]
    write_file $path "module ${::stand_in::design}_wrapper; endmodule\n"
    return $path
}

# -- Runs --------------------------------------------------------------------------------------------
command get_runs {
    require {[info exists ::stand_in::properties(run:$rest)]} "there is no run $rest"
    return run:$rest
}
command launch_runs {
    set top [dict get $::stand_in::properties(fileset:sources_1) top]
    require {[lsearch -regexp $::stand_in::added(sources_1) "/$top\\.v$"] >= 0} "there is no file of top $top"
    require {[string is integer -strict [option $options jobs 1]]} "no number of jobs"
    if {$rest eq "impl_1"} {
        require {[dict get $::stand_in::properties(run:synth_1) PROGRESS] eq "100%"} "nothing is synthesised"
        require {[option $options to_step] eq "write_bitstream"} "no bitstream is asked for"
    }
    set directory [dict get $::stand_in::properties(run:$rest) DIRECTORY]
    set log "INFO: \[Synth 8-3876\] \$readmem data file is read successfully\nWARNING: \[Synth 8-7080\] nothing\n"
    if {[info exists ::env(MESSAGE)]} { append log "$::env(MESSAGE)\n" }
    if {![defect "no log"]} { write_file [file join $directory runme.log] $log }
    if {$rest eq "impl_1"} { write_file [file join $directory ${top}.bit] "bits\n" }
    dict set ::stand_in::properties(run:$rest) STATUS [expr {[defect $rest] ? "synth_design ERROR" : "$rest Complete!"}]
    set ::stand_in::launched $rest
}
foreach name {wait_on_runs wait_on_run} {
    command $name {
        require {$rest eq $::stand_in::launched} "$rest was not launched"
        dict set ::stand_in::properties(run:$rest) PROGRESS [expr {[defect $rest] ? "40%" : "100%"}]
    }
}
if {[info exists ::env(VIVADO)] && $::env(VIVADO) eq "2022.1"} { rename wait_on_runs "" }
command open_run {
    require {[dict get $::stand_in::properties(run:$rest) PROGRESS] eq "100%"} "$rest has no result"
    set ::stand_in::opened $rest
}
command close_design { require {[info exists ::stand_in::opened]} "no design is open"; unset ::stand_in::opened }
command get_cells {
    require {[option $options filter] eq "NAME =~ */accelerator" && [option $options hierarchical 0]} "no cells"
    return cell_of_netlist:overlay_i/accelerator
}
foreach name {report_utilization report_timing_summary report_power} {
    command $name {
        require {[info exists ::stand_in::opened]} "no design is open"
        require {[file isdirectory [file dirname [option $options file]]]} "no folder for the report"
        write_file [option $options file] "report\n"
    }
}
command get_timing_paths {
    require {[info exists ::stand_in::opened] && $::stand_in::opened eq "impl_1"} "nothing is routed"
    return path:[expr {[option $options setup 0] ? "setup" : "hold"}]
}
command launch_simulation {
    require {[option $options mode] eq "post-synthesis" && [option $options type] eq "functional"} "no netlist"
    require {[dict get $::stand_in::properties(fileset:sim_1) top] eq "testbench"} "no bench"
    require {[dict get $::stand_in::properties(run:synth_1) PROGRESS] eq "100%"} "nothing is synthesised"
    lassign $::stand_in::project name directory
    set verdict [expr {[info exists ::env(VERDICT)] ? $::env(VERDICT) : "BNNHW PASS 2 frames in 9 cycles"}]
    write_file [file join $directory $name.sim sim_1 synth func xsim simulate.log] "start\n$verdict\nend\n"
}
command close_sim {}
