# Convert-IaaSImage, chains, and descriptions of machines on their way in.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome
    $folder = Join-Path $TestHome images
    New-TestImage (Join-Path $folder a.raw), (Join-Path $folder b.raw) | Out-Null
}

AfterAll { Exit-TestHome }

Describe 'Convert-IaaSImage' {
    It 'makes a VHD of whole mebibytes beside the image, and gives it out' {
        $made = Convert-IaaSImage (Join-Path $folder a.raw) -Format VhdFixed
        $made | Should -BeOfType AzureIaaS.Imports.ImageInfo
        $made.Path, $made.Format, $made.Variant, $made.PartitionCount | Should -Be (Join-Path $folder a.vhd), 'vhd', 'fixed', 1
        $made.Length % 1MB | Should -Be 0
        (Get-Item $made.Path).Length | Should -Be ($made.Length + 512)
    }

    It 'takes images from the pipeline, patterns and paths, into a folder' {
        $out = New-Item -ItemType Directory (Join-Path $TestHome out)
        (Get-ChildItem $folder -Filter *.raw | Convert-IaaSImage -Format Qcow2Zlib -Path $out).Path | Split-Path -Leaf | Should -Be 'a.qcow2', 'b.qcow2'
        (Get-IaaSImage (Join-Path $out *.qcow2) | Convert-IaaSImage -Format VmdkStreamOptimized).Variant | Should -Be 'streamOptimized', 'streamOptimized'
        (Convert-IaaSImage (Join-Path $folder '*.raw') Vdi $out).Count | Should -Be 2
        Push-Location $folder
        try { (Convert-IaaSImage ./a.raw VhdxDynamic ./relative.vhdx).Path | Should -Be (Join-Path $folder relative.vhdx) }
        finally { Pop-Location }
    }

    It 'replaces nothing without -Force, and does nothing under -WhatIf' {
        $there = Join-Path $TestHome there.vdi
        'precious' | Set-Content $there
        { Convert-IaaSImage (Join-Path $folder a.raw) Vdi $there -ErrorAction Stop } | Should -Throw -ErrorId 'FileExists,*'
        Convert-IaaSImage (Join-Path $folder a.raw) Vdi $there -Force -WhatIf | Should -BeNullOrEmpty
        Get-Content $there | Should -Be precious
        (Convert-IaaSImage (Join-Path $folder a.raw) Vdi $there -Force).Format | Should -Be vdi
    }

    It 'refuses a format that there is not, one file for many, and an image into itself' {
        { Convert-IaaSImage (Join-Path $folder a.raw) Floppy } | Should -Throw -ErrorId 'UnknownFormatName,*'
        { Convert-IaaSImage (Join-Path $folder '*.raw') Vdi (Join-Path $TestHome one.vdi) } | Should -Throw -ErrorId 'OneFileForMany,*'
        { Convert-IaaSImage (Join-Path $folder a.raw) Raw -Force -ErrorAction Stop } | Should -Throw -ErrorId 'TargetIsSource,*'
        Get-ChildItem $TestHome -Recurse -Filter *.partial | Should -BeNullOrEmpty
    }
}

Describe 'A folder of an ESXi host' {
    BeforeAll {
        $esxi = New-Item -ItemType Directory (Join-Path $TestHome esxi)
        Copy-Item (Join-Path $folder a.raw) (Join-Path $esxi web01-flat.vmdk)
        'x' * 512 | Set-Content (Join-Path $esxi web01-ctk.vmdk)
        $sectors = (Get-Item (Join-Path $esxi web01-flat.vmdk)).Length / 512
        @"
# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="vmfs"
RW $sectors VMFS "web01-flat.vmdk"
changeTrackPath="web01-ctk.vmdk"
"@ | Set-Content (Join-Path $esxi web01.vmdk)
    }

    It 'has one disk; what belongs to it is left out with a warning that names it' {
        $found = Get-ChildItem $esxi -Filter *.vmdk | Get-IaaSImage -WarningVariable warned -WarningAction SilentlyContinue
        $found.Path | Split-Path -Leaf | Should -Be web01.vmdk
        @($warned -match 'is a part of web01.vmdk').Count | Should -Be 2
        { Get-IaaSImage (Join-Path $esxi web01-flat.vmdk) -ErrorAction Stop } | Should -Throw -ErrorId 'DiskImageUnsupportedFormat,*'
    }

    It 'is imported by its .vmx, with what that says' {
        @'
config.version = "8"
displayName = "front"
memsize = "256"
numvcpus = "2"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "web01.vmdk"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "e1000"
ethernet0.generatedAddress = "00:0c:29:01:02:03"
'@ | Set-Content (Join-Path $esxi web01.vmx)
        $vm = Import-IaaSVm (Join-Path $esxi web01.vmx)
        $vm.Name, $vm.Cpu, $vm.Memory, $vm.Disks[0].Controller, $vm.NetworkAdapters[0].MacAddress | Should -Be 'front', 2, 256MB, 'Pvscsi', '00:0c:29:01:02:03'
        $vm.Origin.Format | Should -Be vmx
        (Import-IaaSVm (Join-Path $esxi web01.vmx) -Name other -Cpu 1 -DiskController Ide).Disks[0].Controller | Should -Be Ide
    }
}

Describe 'An OVA' {
    It 'is imported in place, and refused where its manifest says other' {
        $parts = New-Item -ItemType Directory (Join-Path $TestHome parts)
        Convert-IaaSImage (Join-Path $folder a.raw) VmdkStreamOptimized (Join-Path $parts disk1.vmdk) | Out-Null
        @'
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="r">
<References><File ovf:href="disk1.vmdk" ovf:id="f1"/></References>
<DiskSection><Disk ovf:capacity="1" ovf:diskId="d1" ovf:fileRef="f1"/></DiskSection>
<VirtualSystem ovf:id="appliance"><VirtualHardwareSection>
<Item><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>128</rasd:VirtualQuantity></Item>
<Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>5</rasd:ResourceType></Item>
<Item><rasd:HostResource>ovf:/disk/d1</rasd:HostResource><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
</VirtualHardwareSection></VirtualSystem></Envelope>
'@ | Set-Content (Join-Path $parts x.ovf)
        $hash = (Get-FileHash (Join-Path $parts disk1.vmdk)).Hash
        foreach ($case in @{ Name = 'right'; Hash = $hash }, @{ Name = 'wrong'; Hash = $hash -replace '^.', ('0', '1')[$hash[0] -eq '0'] }) {
            "SHA256(disk1.vmdk)= $($case.Hash)" | Set-Content (Join-Path $parts x.mf)
            tar --format=ustar -C $parts -cf (Join-Path $TestHome "$($case.Name).ova") x.ovf x.mf disk1.vmdk
        }

        $vm = Import-IaaSVm (Join-Path $TestHome right.ova)
        $vm.Name, $vm.Memory, $vm.Disks[0].SourceFormat | Should -Be 'appliance', 128MB, 'vmdk'
        { Import-IaaSVm (Join-Path $TestHome wrong.ova) -Name wrong -ErrorAction Stop } | Should -Throw -ErrorId 'ManifestMismatch,*'
        Get-IaaSVm wrong -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
    }
}

Describe 'Export-IaaSVm' {
    BeforeAll {
        $web = Import-IaaSVm (Join-Path $folder a.raw) -Name 'web 01' -Memory 256MB -Cpu 2 -DiskController Pvscsi
    }

    It 'makes an OVA that imports again as the same machine' {
        $file = $web | Export-IaaSVm -Path (Join-Path $TestHome home.ova)
        $file | Should -BeOfType IO.FileInfo
        tar -tf $file.FullName | Should -Be 'web_01.ovf', 'web_01.mf', 'web_01-disk1.vmdk'
        $again = Import-IaaSVm $file.FullName -Name again
        $again.Cpu, $again.Memory, $again.Firmware, $again.Disks[0].Controller | Should -Be $web.Cpu, $web.Memory, $web.Firmware, $web.Disks[0].Controller
        $again.NetworkAdapters[0].MacAddress | Should -Not -Be $web.NetworkAdapters[0].MacAddress -Because 'that one has it already'
        $again.Disks[0].Digest | Should -Be $web.Disks[0].Digest
    }

    It 'makes a disk of any format, named after the machine' {
        $out = New-Item -ItemType Directory (Join-Path $TestHome exported)
        (Export-IaaSVm 'web 01' -Format VhdxDynamic -Path $out).Name | Should -Be 'web 01.vhdx'
        (Get-IaaSImage (Join-Path $out *.vhdx)).Length | Should -Be $web.Disks[0].Length
    }

    It 'replaces nothing without -Force, and refuses what runs' {
        { Export-IaaSVm 'web 01' (Join-Path $TestHome home.ova) -ErrorAction Stop } | Should -Throw -ErrorId 'FileExists,*'
        Export-IaaSVm 'web 01' (Join-Path $TestHome other.ova) -WhatIf | Should -BeNullOrEmpty
        Join-Path $TestHome other.ova | Should -Not -Exist
        Start-IaaSVm 'web 01' | Out-Null
        try { { Export-IaaSVm 'web 01' (Join-Path $TestHome other.ova) -ErrorAction Stop } | Should -Throw -ErrorId 'VmNotStopped,*' }
        finally { Stop-IaaSVm 'web 01' -Force -Confirm:$false | Out-Null }
        Get-ChildItem $TestHome -Filter *.partial | Should -BeNullOrEmpty
    }
}
